/* What may be asked for. */
#include "derive.h"

#include <string.h>

static const char usage[] =
    "usage: derive FORMULA [NAME=VALUE]... [OPTION]...\n"
    "\n"
    "Prints the value of a formula and its derivatives, by automatic differentiation:\n"
    "\n"
    "    derive 'x^2*sin(y)' x=1.5 y=0.3\n"
    "    derive 'x² sin 3y' x=1.5 y=0.3 --hessian\n"
    "    derive 'mean((sigmoid(x @ w) - t)^2)' x=@x.npy t=@t.csv w=[0.1,-0.2,0.3] --wrt w\n"
    "    derive 'r = √(x² + y²); φ = atan2(y, x)' x=3 y=4          two formulas and their Jacobian\n"
    "    derive 'x sin 2x' x=-5:5                                   f and f' drawn over a range\n"
    "\n"
    "A formula has + - * / ^, @ for products of matrices and vectors, < <= > >= == != (1 or 0), |x|, pi, e;\n"
    "products without a sign, 2x, 3 sin x, (a)(b); functions of one argument without parentheses, sin 2x;\n"
    "√ π · × ÷ − ² ⁻¹ and Greek letters; vectors [a, b], matrices [[a, b], [c, d]], parts x[0], x[1:3].\n"
    "Beside each other, or with · between them, matrices and vectors make products; * multiplies elements.\n"
    "Formulas with ; between them may have names, f = ... or f(x) = ..., which those behind them may use.\n"
    "\n"
    "A value is a number (or a formula of numbers: x=pi/4), a vector [1,2,3], a matrix [[1,2],[3,4]],\n"
    "@file.npy (little-endian f8, f4 or i8 in C order), @file.csv (one row or one column is a vector), or a\n"
    "range FROM:TO, which draws the formulas and their derivatives.\n"
    "\n"
    "  --wrt a,b     derivatives for these names only\n"
    "  --hessian     second derivatives, too\n"
    "  --check       compare every derivative with a numerical difference\n"
    "  --digits N    show so many digits, 1 to 17, not 15\n"
    "  --plot        draw over the only variable, 5 to each side of its value\n"
    "  --svg FILE    draw to this file, not here\n"
    "  --dot FILE    write the graph of value and gradient for Graphviz\n"
    "  --c NAME      write NAME.c and NAME.h: values and derivatives as a function of the variables in C99\n"
    "  --help        this text\n"
    "\n"
    "Functions; what stands in [ ] may be left out. Axes count from 0, and from the end by -1.\n"
    "\n";

void help(FILE *f)
{
    enum { WIDTH = 100 };
    char text[96];
    int column = 0;
    fputs(usage, f);
    for (int k = 0; ag_parse_function(k, sizeof text, text); k++) {
        int length = (int)strlen(text);
        if (column + length + 2 > WIDTH) column = 0, fputs("\n", f);
        column += fprintf(f, "  %s", text);
    }
    fputs("\n", f);
}
