"""What the copy of one's data says about money is in words, column by column."""

from sqlmodel import SQLModel

from core import column_words
from payouts import personal_data


def test_each_column_of_money_has_words_in_the_copy_of_ones_data(worker_app):
    unnamed = {
        column.name
        for table in personal_data.TABLES
        if table.of_people
        for column in SQLModel.metadata.tables[table.name].columns
        if column.name not in {*table.hidden, *column_words.WORDS}
    }

    assert unnamed == set()
