"""The engine room: the steps of the book for any number of rows.

Two functions carry everything: ``expect`` makes moments of parameters, ``maximize``
makes parameters of moments. EM is one after the other, over and over.

rows
    where the examples come from, and the units in which they are seen
expect
    the E-step in one pass: parameters in, moments and a log-likelihood out
maximize
    the M-step: moments in, parameters out
curvature
    what is left to gain, and which way, from one pass
climb
    what was seen on the way, and many EM steps at once
blas
    how many cores the matrix products may use
"""
