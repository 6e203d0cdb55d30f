"""From a lesson's source to its notebooks.

| file | what it does |
|---|---|
| `paths` | where sources and notebooks lie |
| `source`, `rules` | reads a source; what a source must keep |
| `cells` | what a cell of a source is, and says in each edition |
| `own_version` | the course's own version of what an exercise asks for |
| `elsewhere` | links to Colab and Binder, and the cell that installs the course there |
| `papers` | the papers that lessons name, and their addresses |
| `onward` | the end of a student notebook: the next lesson, the tour |
| `editions` | builds the student, solution and live notebooks |
| `files` | writes notebooks, keeps their outputs, says which are stale |
| `alternatives` | what notebooks say to readers who do not see their pictures |
| `run`, `outputs` | runs a solution, and keeps its outputs, with small pictures |
| `claims` | runs what a lesson says of its pictures and numbers |
| `solved` | the solutions as functions, for the tests and the grader |
| `catch_up` | does a section of a live notebook |
| `release`, `needed` | the student edition as a zip file; which files of the package it holds |
| `pages` | the pages for teachers and students that are made from the lessons |
| `site` | all of it as a site of static pages |
"""
