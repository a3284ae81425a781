import type { Secrets } from "../../stores/secrets/Secrets.ts"
import type { NamespaceKey, ServiceKey } from "../port/Runtime.ts"
import type { ControllerInput } from "./controller/ServiceController.ts"
import type { Instances } from "./instances/Instance.ts"
import type { Lives } from "./lives.ts"
import type { LogStore } from "./logs/LogStore.ts"
import { instanceSpecOf } from "./revisions/instanceSpec.ts"
import type { Links } from "./revisions/Links.ts"
import { makeRevisionRunner, type RunnerInput } from "./revisions/RevisionRunner.ts"

/** Creates the runners of revisions, with secrets, links, a log and a recorded lifetime for their instances. */
export const makeLocalRunner =
  (input: {
    readonly instances: typeof Instances.Service
    readonly lives: Lives
    readonly logs: typeof LogStore.Service
    readonly secrets: typeof Secrets.Service
    readonly links: Links
    readonly fork: RunnerInput["fork"]
    readonly backoff: RunnerInput["backoff"]
    readonly ownsMachine: (key: NamespaceKey) => boolean
    /** The host in callers' requests. */
    readonly hostOf: (key: ServiceKey) => string
  }): ControllerInput["makeRunner"] =>
  ({ key }, revision, hooks, care) => {
    const { backoff, fork, instances, links, lives, logs, secrets } = input
    return makeRevisionRunner({
      ...hooks,
      care,
      revision: revision.name,
      maxConcurrency: revision.template.maxConcurrency,
      drainMs: revision.template.drainMs,
      removalDrainMs: revision.template.removalDrainMs,
      graceMs: revision.template.graceMs,
      backoff,
      instances: lives.noting(instances, { key, revision }),
      spec: instanceSpecOf({
        key,
        revision,
        secrets,
        links,
        ownsMachine: input.ownsMachine(key),
        host: input.hostOf(key),
        resolvedImage: hooks.resolvedImage,
        standInOf: instances.standInOf
      }),
      writer: (instance) => logs.writer({ ...key, revision: revision.name, instance }),
      fork
    })
  }
