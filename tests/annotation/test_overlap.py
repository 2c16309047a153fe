"""Marks and boxes of several answers become one set, whatever the order of the answers."""

from hypothesis import given, settings
from hypothesis import strategies as st

from annotation import overlap
from annotation.overlap import Region, merge, regions


def span(start, end, label="Party", one="m"):
    value = {"start": start, "end": end, "labels": [label], "text": "x" * (end - start)}
    return {
        "id": f"{one}{start}-{end}",
        "type": "labels",
        "from_name": "party",
        "to_name": "text",
        "value": value,
    }


def box(x, y, width, height, label="Car"):
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0}
    return {
        "id": f"b{x}-{y}-{width}",
        "type": "rectanglelabels",
        "from_name": "box",
        "to_name": "image",
        "value": value | {"rectanglelabels": [label]},
    }


def merged(*answers, weights=None):
    return merge([regions(one) for one in answers], weights)


def places(kept):
    return [(one.region.box[0], one.region.box[2], one.confidence) for one in kept]


def test_shifted_marks_are_one_and_the_middle_one_stands_for_them():
    kept = merged([span(0, 10)], [span(1, 10)], [span(2, 11)])

    assert places(kept) == [(1, 10, 1.0)]


def test_what_half_or_fewer_have_is_not_kept():
    assert merged([span(0, 10)], []) == []
    assert places(merged([span(0, 10)], [span(0, 9)], [])) == [(0, 9, 0.666667)]


def test_another_label_or_less_than_half_in_common_is_another_mark():
    assert merged([span(0, 10)], [span(0, 10, "Right")]) == []
    assert merged([span(0, 10)], [span(6, 16)]) == []


def test_small_shifts_do_not_chain_what_is_apart():
    # Each covers the next by six tenths or more, and the first and the last hardly.
    kept = merged([span(0, 10)], [span(2, 12)], [span(4, 14)], [span(6, 16)], [span(8, 18)])

    assert kept == []


def test_two_marks_of_one_answer_are_never_one():
    kept = merged([span(0, 10), span(0, 9)])

    assert places(kept) == [(0, 9, 1.0), (0, 10, 1.0)]


def test_boxes_are_joined_by_what_they_share():
    kept = merged([box(10, 10, 20, 20)], [box(11, 10, 20, 20)], [box(60, 60, 5, 5)])

    assert [one.confidence for one in kept] == [0.666667]
    assert kept[0].by == {0, 1}


def test_a_weighted_vote_can_outvote_two():
    kept = merged([span(0, 5)], [], [], weights=[3.0, 1.0, 1.0])

    assert places(kept) == [(0, 5, 0.6)]


def test_a_part_that_shares_the_id_of_a_box_stays_with_it_and_the_rest_is_of_the_task():
    drawn = box(10, 10, 20, 20)
    about = {
        "id": drawn["id"],
        "type": "choices",
        "from_name": "kind",
        "to_name": "image",
        "value": drawn["value"] | {"choices": ["old"]},
    }
    whole = {"id": "w", "type": "choices", "from_name": "c", "value": {"choices": ["day"]}}

    [one] = regions([drawn, about, whole])

    assert len(one.items) == 2
    assert overlap.without([drawn, about, whole]) == [whole]


def test_what_has_no_box_is_one_only_where_it_is_the_same():
    def polygon(right):
        value = {"points": [[0, 0], [right, 0], [right, 9]], "polygonlabels": ["Car"]}
        return {"id": "p", "type": "polygonlabels", "from_name": "p", "value": value}

    assert len(merged([polygon(9)], [polygon(9)], [polygon(8)])) == 1
    assert merged([polygon(9)], [polygon(8)]) == []


spans = st.builds(
    lambda start, size, label: span(start, start + size, label),
    st.integers(0, 12),
    st.integers(1, 8),
    st.sampled_from(["Party", "Right"]),
)
boxes = st.builds(
    box, *(st.integers(0, 12),) * 2, *(st.integers(1, 8),) * 2, st.sampled_from(["Car", "Bus"])
)
answers = st.lists(st.lists(st.one_of(spans, boxes), max_size=4), min_size=1, max_size=5)


def said(kept):
    return [(one.region, one.confidence) for one in kept]


@settings(max_examples=25, deadline=None)
@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_answers_and_of_marks_makes_no_difference(some, random):
    shuffled = [random.sample(one, len(one)) for one in random.sample(some, len(some))]

    assert said(merged(*shuffled)) == said(merged(*some))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(spans, boxes), max_size=5), st.integers(1, 4))
def test_one_answer_however_often_given_returns_itself(some, times):
    kept = merged(*[some] * times)

    assert [one.region for one in kept] == regions(some)
    assert all(one.confidence == 1.0 for one in kept)


@settings(max_examples=15, deadline=None)
@given(answers)
def test_what_came_out_comes_out_again_and_each_is_one_that_a_person_drew(some):
    kept = [one.region for one in merged(*some)]

    assert [one.region for one in merge([kept])] == kept
    drawn: set[Region] = {one for answer in some for one in regions(answer)}
    assert set(kept) <= drawn
