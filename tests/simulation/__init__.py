"""Samples drawn again and again from populations whose truth is known: do intervals hold it as often as they say?"""
