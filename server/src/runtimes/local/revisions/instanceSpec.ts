import { Effect } from "effect"
import type { Secrets } from "../../../stores/secrets/Secrets.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import type { InstanceFailed, InstanceSpec, Instances } from "../instances/Instance.ts"
import type { RunnableRevision } from "../objects/ServiceObject.ts"
import { platformEnv, resolveEnvironment } from "./environment.ts"
import type { Links } from "./Links.ts"

/** The spec for starting an instance of a revision, with the current secrets and links. */
export const instanceSpecOf = (input: {
  readonly key: ServiceKey
  readonly revision: RunnableRevision
  readonly secrets: typeof Secrets.Service
  readonly links: Links
  readonly ownsMachine: boolean
  readonly resolvedImage: () => string | undefined
  readonly standInOf: typeof Instances.Service.standInOf
  /** The host in its callers' requests. */
  readonly host: string
}): Effect.Effect<Omit<InstanceSpec, "id" | "onOutput" | "onSystem">, InstanceFailed> => {
  const { key, links, ownsMachine, revision, secrets } = input
  const { template } = revision
  const program = (): InstanceSpec["program"] =>
    template.program.kind === "image" ? { ...template.program, resolved: input.resolvedImage() } : template.program
  // A stand-in isn't a container, so its links use loopback.
  const isStandIn = template.program.kind === "image" && input.standInOf(template.program.image) !== undefined
  const environmentFor = (kind: InstanceSpec["program"]["kind"]) =>
    resolveEnvironment({
      template,
      pinned: revision.pinned,
      platform: platformEnv(key.service, revision.name),
      secrets,
      scope: { organizationId: key.organizationId, app: key.app, stage: key.stage },
      rewrite: (value) => links.rewrite(key, kind, value)
    })
  return Effect.map(environmentFor(isStandIn ? "snapshot" : template.program.kind), (environment) => ({
    organizationId: key.organizationId,
    ownsMachine,
    namespace: key.namespace,
    service: key.service,
    revision: revision.name,
    ...template,
    program: program(),
    ...environment,
    inContainer: environmentFor("image"),
    liveness:
      template.liveness === undefined || !template.anyAnswerLives
        ? template.liveness
        : { ...template.liveness, anyAnswer: { protocol: template.protocol, host: input.host } }
  }))
}
