/** The name of Knative's own container in each pod (knative/serving, pkg/reconciler/revision/resources). The other one is the program's. */
export const queueProxy = "queue-proxy"
