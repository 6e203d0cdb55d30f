"""The settings of an nbgrader course."""

c = get_config()  # noqa: F821  (nbgrader defines it)
c.CourseDirectory.course_id = "looking_inside_convnets"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}
c.ExecutePreprocessor.timeout = 300
c.ExecutePreprocessor.interrupt_on_timeout = True
c.ExecutePreprocessor.startup_timeout = 120
