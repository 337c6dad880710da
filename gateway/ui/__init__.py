"""What people look at: the live view of a run and its summary, the feed below monitor and web page. Knows everything below.

Each of its files is imported by itself: a page's process needs little of it, and begins sooner so.
"""
