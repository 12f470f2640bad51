"""The vectors in docs/formats/folder.md are those that follow from its text; a unit test holds keep to them."""
from folder_vectors import vectors


def test_the_page_has_the_vectors(source):
    text = (source / 'docs' / 'formats' / 'folder.md').read_text()
    for what, value in vectors().items():
        assert f'| {what} | `{value}` |' in text
