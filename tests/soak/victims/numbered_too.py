"""The same application once more: uWSGI runs it in an interpreter of its own."""

from numbered import application  # noqa: F401
