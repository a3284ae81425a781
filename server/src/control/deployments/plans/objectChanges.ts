import { SqlClient } from "@effect/sql/SqlClient"
import { type AppSpec, Objects } from "@maxcloud/config-schema"
import { Effect, Option, Schema } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import type { AppManifests } from "../manifests/appManifests.ts"
import { synthesis } from "../manifests/synthesis.ts"

const decodeObjects = Schema.decodeUnknownOption(Objects)

/** The changes that deploying a spec would make through its `manifests`, compared with the newest accepted deployment. */
export const objectChanges = (
  { app, organization, stage }: Target,
  spec: AppSpec,
  { tenant }: Pick<AppManifests, "tenant">
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [newest] = yield* sql<{ manifests: unknown }>`
      select spec -> 'manifests' as manifests from deployments
      where organization_id = ${organization.id} and app = ${app} and stage = ${stage}
      order by number desc limit 1`
    const before = Option.getOrElse(decodeObjects(newest?.manifests), () => [])
    const { objectChanges: changesOf } = yield* synthesis
    return changesOf(spec, tenant, before)
  })
