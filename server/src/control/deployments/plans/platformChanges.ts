import { SqlClient } from "@effect/sql/SqlClient"
import { canonicalJson, type PlatformChange } from "@maxcloud/sdk/api"
import { type Manifest, templateOf } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { platformKey } from "../manifests/PlatformKey.ts"
import { StageContext } from "../manifests/stageContext.ts"
import { makeStored } from "../manifests/stageManifests.ts"

const decodeContext = Schema.decodeUnknownOption(StageContext)

/** Objects that differ, in the order of `after`. */
const changesOfManifests = (
  before: ReadonlyArray<Manifest>,
  after: ReadonlyArray<Manifest>
): ReadonlyArray<PlatformChange> => {
  const nameOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`
  const old = new Map(before.map((value) => [nameOf(value), value]))
  return after.flatMap((manifest) => {
    const existing = old.get(nameOf(manifest))
    if (existing !== undefined && canonicalJson(existing) === canonicalJson(manifest)) return []
    const newRevision =
      templateOf(manifest) !== undefined &&
      (existing === undefined || canonicalJson(templateOf(existing)) !== canonicalJson(templateOf(manifest)))
    return [{ kind: manifest.kind, name: manifest.metadata.name, newRevision }]
  })
}

/** The platform's changes that haven't been rolled out to a deployed app yet. */
export const platformChanges = ({ app, organization, stage }: Target) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { key, settings } = yield* platformKey
    const [row] = yield* sql<{ id: string; manifests: ReadonlyArray<Manifest>; context: unknown }>`
      select d.id, m.manifests, m.context
      from app_stages a
      join deployments d on d.organization_id = a.organization_id and d.app = a.app and d.stage = a.stage
        and d.number = a.last_number
      join deployment_manifests m on m.organization_id = d.organization_id and m.deployment_id = d.id
      where a.organization_id = ${organization.id} and a.app = ${app} and a.stage = ${stage}
        and a.inventory <> '[]' and a.platform_key is distinct from ${key}`
    const context = row === undefined ? undefined : decodeContext(row.context)
    if (row === undefined || context?._tag !== "Some") return []
    const place = { organizationId: organization.id, organization: organization.name, app, stage }
    return changesOfManifests(row.manifests, yield* makeStored(sql)(settings, place, row.id, context.value))
  })
