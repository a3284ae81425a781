import { Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { Platform, tenantOf } from "../../../runtimes/port/Platform.ts"
import { inTurns } from "../queue/turns.ts"
import type { Inspected } from "../validate/inspectSpec.ts"
import { contextFields, stageContext } from "./stageContext.ts"
import { synthesis } from "./synthesis.ts"

/** The manifests that a deployment of an inspected spec would have now. They contain secrets only by name and version. */
export const appManifests = (
  { app, organization, stage }: Target,
  {
    externalSecrets,
    generates,
    images,
    secretVersions,
    spec
  }: Pick<Inspected, "externalSecrets" | "generates" | "images" | "secretVersions" | "spec">
) =>
  Effect.gen(function* () {
    const platform = yield* Platform
    const context = yield* stageContext({ organizationId: organization.id, app, stage })
    const { synthInTurns, synthNamespace, unmadeVersion } = yield* synthesis
    const unmade = [...generates.keys()].map((name) => [name, unmadeVersion] as const)
    const tenant = tenantOf(
      { organization: organization.name, organizationId: organization.id, app, stage },
      platform,
      {
        secretVersions: new Map([...secretVersions, ...unmade]),
        externalSecrets,
        images,
        ...contextFields(context)
      }
    )
    return { tenant, namespace: synthNamespace(tenant), app: yield* inTurns(() => synthInTurns(spec, tenant)) }
  })

export type AppManifests = Effect.Effect.Success<ReturnType<typeof appManifests>>
