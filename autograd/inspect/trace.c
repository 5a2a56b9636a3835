/* What was measured, step by step, in the JSON that Perfetto and chrome://tracing open: complete events of the trace
 * event format, times in microseconds. Steps of bodies lie within their loop's. */
#include "steps.h"
#include "run/profile.h"

static void write_event(FILE *f, const agi_event *e)
{
    const agi_step *s = &e->plan->step[e->step];
    const agi_cost c = agi_cost_of(e->plan, s);
    char name[160] = "";
    agi_text t = { name, name + sizeof name };
    agi_print_step(&t, e->plan, s);
    fputs(",\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":", f);
    agi_write_json(f, name);
    fprintf(f, ",\"cat\":\"%s\",\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"step\":%d,\"flops\":%.0f,\"bytes\":%.0f}}",
            agi_step_kind_name(s->kind), (double)e->from / 1000, (double)(e->to - e->from) / 1000, e->step, c.flops,
            c.bytes);
}

int ag_write_trace(FILE *f, const ag_run *r)
{
    if (!f || !r || !r->times) return -1;
    const agi_profile_log *log = r->times->log;
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
          "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"autograd\"}}", f);
    for (int64_t k = 0; k < log->events; k++) write_event(f, &log->event[k]);
    fputs("\n]}\n", f);
    return ferror(f) ? -1 : 0;
}
