"""Small mistakes in the text of the device, and which quick layer notices each.

No tool that exists was taken. mutmut and cosmic-ray change operators, numbers and names, and run a whole test suite for
each; neither knows a lock, a wait or a notification, so the mistakes that matter most here would still have had to be
written, and mutmut keeps its state in the working tree. What is left to gain from them is a few lines over `ast`.
"""
