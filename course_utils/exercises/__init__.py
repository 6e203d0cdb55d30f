"""Exercises: a check for every function that a student writes, tiny networks with known answers, quizzes."""

from course_utils.exercises.machine import check, get_exercise, lesson_exercises, run_check
from course_utils.exercises.passed import passed_so_far
from course_utils.exercises.quizzes import quiz
from course_utils.exercises.tiny import tiny_net

__all__ = ["check", "get_exercise", "lesson_exercises", "passed_so_far", "quiz", "run_check", "tiny_net"]
