/* The epochs so far, kept here and as CSV. */
#include "fitting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int agi_fit_columns(const ag_fit *f)
{
    return 2 + (1 + f->metrics) * (1 + f->tested);
}

static double *append(ag_fit *f)
{
    const int64_t columns = agi_fit_columns(f);
    if (f->epochs_kept == f->history_room) {
        const int64_t room = 2 * f->history_room + 16;
        double *more = realloc(f->history, (size_t)(room * columns) * sizeof *more);
        if (!more) return NULL;
        f->history = more;
        f->history_room = room;
    }
    return f->history + columns * f->epochs_kept++;
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

static void write_headings(const ag_fit *f, FILE *file)
{
    fputs("epoch", file);
    for (int test = 0; test <= f->tested; test++) {
        fprintf(file, ",%sloss", test ? "test " : "");
        for (int k = 0; k < f->metrics; k++) fprintf(file, ",%s%s", test ? "test " : "", f->o.metric[k]);
    }
    fputs(",seconds\n", file);
}

static ag_status write_csv(ag_fit *f)
{
    FILE *file = fopen(f->o.csv, "we");
    const int columns = agi_fit_columns(f);
    if (!file) return agi_fit_fail(f, AG_EIO, "'%.120s': %s", f->o.csv, strerror(errno));
    write_headings(f, file);
    for (int64_t i = 0; i < f->epochs_kept; i++)
        for (int k = 0; k < columns; k++)
            fprintf(file, k < columns - 1 ? "%.17g," : "%.3f\n", f->history[i * columns + k]);
    int wrong = ferror(file);
    if (!fclose(file) && !wrong) return AG_OK;
    return agi_fit_fail(f, AG_EIO, "'%.120s' cannot be written: %s", f->o.csv, strerror(errno));
}

/* The epochs of it that are behind, so that the curve has no gap; a file of other columns is none of ours. */
ag_status agi_fit_read_curve(ag_fit *f)
{
    ag_array table = { 0 };
    ag_problem why;
    const int columns = agi_fit_columns(f);
    if (!f->o.csv || access(f->o.csv, F_OK)) return AG_OK;
    ag_status status = ag_read_csv(&table, f->o.csv, &(ag_csv_options){ .separator = ',', .headings = 1 }, &why);
    if (status) return agi_fit_fail(f, status, "%.300s", why.message);
    if (table.shape.dim[1] != columns)
        status = agi_fit_fail(f, AG_EIO, "'%.120s' is no curve of this training: %lld columns, not %d", f->o.csv,
                              (long long)table.shape.dim[1], columns);
    for (int64_t i = 0; i < table.shape.dim[0] && !status; i++) {
        const double *from = (const double *)table.values + i * columns;
        double *row = *from <= f->now.epoch ? append(f) : NULL;
        if (row) memcpy(row, from, (size_t)columns * sizeof *row);
        else if (*from <= f->now.epoch) status = agi_fit_fail(f, AG_EMEM, "out of memory");
    }
    ag_array_free(&table);
    return status;
}

/* ------------------------------------------------------------------------------------------------------------------ */

ag_status agi_fit_remember(ag_fit *f)
{
    const ag_fit_state *now = &f->now;
    double *row = append(f);
    if (!row) return agi_fit_fail(f, AG_EMEM, "out of memory");
    *row++ = now->epoch;
    *row++ = now->loss;
    for (int k = 0; k < f->metrics; k++) *row++ = now->metric[k];
    if (f->tested) *row++ = now->test_loss;
    for (int k = 0; f->tested && k < f->metrics; k++) *row++ = now->test_metric[k];
    *row = now->seconds + agi_fit_seconds(&f->start);
    ag_status status = f->o.csv ? write_csv(f) : AG_OK;
    return !status && f->o.svg ? agi_fit_draw(f) : status;
}
