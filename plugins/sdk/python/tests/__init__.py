"""Tests of weightinit_plugin: python -m unittest, from the folder above."""
