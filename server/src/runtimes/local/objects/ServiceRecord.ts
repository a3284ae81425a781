import { AppName, OrganizationName, type ServiceName, StageName } from "@maxcloud/config-schema"
import type { Diagnosis, StatusReason } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { StoredDiagnosis } from "../../diagnosis/storedDiagnosis.ts"
import { KnativeCondition, type RuntimeRevision } from "../../port/conditions.ts"

/** The record of a revision. Its template is in a separate object, written once. */
const RevisionRecord = Schema.Struct({
  name: Schema.String,
  image: Schema.String,
  /** Id of the image that its first instance ran: the tag may move, but the revision doesn't change. */
  resolvedImage: Schema.optional(Schema.String),
  createdAt: Schema.String,
  /** Digest of its template and of the secret versions in it. */
  fingerprint: Schema.String,
  ready: Schema.Literal("True", "False", "Unknown"),
  reason: Schema.String,
  message: Schema.String,
  /** Why it isn't ready, as far as we know. */
  diagnosis: Schema.optional(StoredDiagnosis)
})
export type RevisionRecord = typeof RevisionRecord.Type

/** The local runtime's record of a service, in its object's status. It survives a restart. */
export const ServiceRecord = Schema.Struct({
  organization: OrganizationName,
  stage: StageName,
  app: AppName,
  /** Number of the newest revision. Removed revisions count too. */
  lastRevision: Schema.Int,
  /** Oldest first; the last is the latest created. */
  revisions: Schema.Array(RevisionRecord),
  latestReady: Schema.NullOr(Schema.String),
  /** Did it have instances? Then it gets some after a restart. */
  active: Schema.Boolean,
  /** Ports of the listeners by which other services reach it (`Links`). */
  linkPorts: Schema.Struct({ loopback: Schema.optional(Schema.Int), containers: Schema.optional(Schema.Int) }),
  conditions: Schema.Array(KnativeCondition)
})
export type ServiceRecord = typeof ServiceRecord.Type

/** How many revisions to keep per service. */
export const revisionsKept = 20

export const revisionName = (service: string, number: number): string => `${service}-${String(number).padStart(5, "0")}`

export const latestCreated = (record: ServiceRecord): RevisionRecord | undefined => record.revisions.at(-1)

/** Adds the next revision and drops the oldest beyond `revisionsKept`, but never the serving one. */
export const withRevision = (
  record: ServiceRecord,
  service: string,
  revision: Pick<RevisionRecord, "createdAt" | "fingerprint" | "image">
): { readonly record: ServiceRecord; readonly created: RevisionRecord; readonly dropped: ReadonlyArray<string> } => {
  const lastRevision = record.lastRevision + 1
  const created: RevisionRecord = {
    ...revision,
    name: revisionName(service, lastRevision),
    ready: "Unknown",
    reason: "Deploying",
    message: ""
  }
  const all = [...record.revisions, created]
  const excess = all
    .slice(0, Math.max(0, all.length - revisionsKept))
    .filter((each) => each.name !== record.latestReady)
  return {
    record: { ...record, lastRevision, revisions: all.filter((value) => !excess.includes(value)) },
    created,
    dropped: excess.map((each) => each.name)
  }
}

export const changeRevision = (
  record: ServiceRecord,
  name: string,
  change: Partial<Pick<RevisionRecord, "ready" | "message" | "resolvedImage" | "diagnosis">> & {
    readonly reason?: StatusReason | Diagnosis["code"] | ""
  }
): ServiceRecord => ({
  ...record,
  revisions: record.revisions.map((revision) => (revision.name === name ? { ...revision, ...change } : revision))
})

/** The stored revisions for the API, newest first. */
export const revisionsOf = (
  service: ServiceName,
  record: ServiceRecord,
  instancesOf: (revision: string) => number
): ReadonlyArray<RuntimeRevision> =>
  record.revisions
    .map(({ createdAt, image, message, name, ready, reason, resolvedImage }) => ({
      name,
      service,
      ready,
      reason,
      message,
      // If no registry could resolve the tag, the image that its first instance found.
      image: resolvedImage === undefined || /sha256:[a-f0-9]{64}$/.test(image) ? image : `${image}@${resolvedImage}`,
      instances: instancesOf(name),
      trafficPercent: name === record.latestReady ? 100 : 0,
      createdAt
    }))
    .reverse()
