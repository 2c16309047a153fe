"""The parts of `make prove P=payouts`, small."""

from proofs import payout_crashes, payouts_at_scale


def test_a_payout_whose_process_is_killed_at_any_step_is_finished_once(live, tmp_path):
    counts = payout_crashes.prove_in(live, tmp_path, every=13, looks=())

    assert counts.gaps == []
    assert counts.kills >= 2
    assert counts.lost_commits == 6  # of the look at the account, the claim and the record


def test_experts_are_paid_once_to_the_cent_with_faults_switched_on(live, tmp_path):
    counts = payouts_at_scale.prove_in(live, tmp_path, experts=8, earnings=30)

    assert counts.gaps == []
    assert counts.transfers == 8
    assert counts.faults
