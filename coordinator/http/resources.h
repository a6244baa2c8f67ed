// The handlers of the route table, one file a resource.
#ifndef TUNERD_COORDINATOR_HTTP_RESOURCES_H
#define TUNERD_COORDINATOR_HTTP_RESOURCES_H

#include "coordinator/http/assets.h"
#include "coordinator/http/server.h"

// studies.c
void studies_list(struct request *request);
void studies_create(struct request *request);
void study_get(struct request *request);
void study_command(struct request *request); // route->command: pause, resume, stop, cancel, delete
void study_patch(struct request *request);
void study_replay(struct request *request); // replay.c
void study_answered(struct request *request);

// trials.c
void trials_list(struct request *request);
void trial_get(struct request *request);
void trials_add(struct request *request);
void trial_command(struct request *request); // route->command: measurement, complete
void study_suggest(struct request *request);
void trial_answered(struct request *request);

// curves.c, report.c, model.c, best.c, export.c
void trial_metrics(struct request *request);
void trial_report(struct request *request);
void trial_model(struct request *request);
void study_best(struct request *request);
void study_export(struct request *request);

// workers.c
void workers_list(struct request *request);
void worker_drain(struct request *request);
void worker_answered(struct request *request);

// datasets.c, upload.c
void datasets_list(struct request *request);
void dataset_get(struct request *request);
void dataset_register(struct request *request);
void dataset_delete(struct request *request);
void dataset_answered(struct request *request);
void upload_handle(struct request *request);
void upload_answered(struct request *request);
extern const struct sink upload_sink;
// Removes what uploads of an earlier life left half done. Before any upload begins.
void upload_clean(const char *state_dir);

// events.c
void events_all(struct request *request);
void events_study(struct request *request);

// health.c, static.c
void health_live(struct request *request);
void health_ready(struct request *request);
void health_metrics(struct request *request);
void static_get(struct request *request);
void static_openapi(struct request *request);
// True when the dashboard has a file at the path.
bool static_has(const struct uri *uri);
extern const struct asset openapi_asset; // generated from schema/openapi.yaml

#endif
