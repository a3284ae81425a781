import type { OrganizationId } from "@maxcloud/sdk/api"
import type { HistoryKey } from "../LogHistory.ts"
import { serviceFolder } from "../serviceFolder.ts"

/** Labels of a stream. They're made only from keys, never from a service's output or a caller's input. */
export type Labels = Readonly<Record<string, string>>

const linesJob = "maxcloud"
const positionsJob = "maxcloud-positions"

/** A LogQL string: Go's double-quoted strings, which include JSON's. */
export const quoted = (text: string): string => JSON.stringify(text.toWellFormed())

const labelsOf = (job: string, key: HistoryKey): Labels => {
  // This also rejects names that can't be a folder's.
  serviceFolder(key)
  return { job, organization: key.organizationId, namespace: key.namespace, service: key.service }
}

export const lineLabels = (key: HistoryKey): Labels => labelsOf(linesJob, key)
export const positionLabels = (key: HistoryKey): Labels => labelsOf(positionsJob, key)

/** Streams that have all of these labels, and perhaps others. */
export const selector = (labels: Labels): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(",")}}`

/** Lines of one service; `revision` and `n` are structured metadata. */
export const linesQuery = (
  key: HistoryKey,
  {
    n,
    revision
  }: { readonly revision?: string | undefined; readonly n?: readonly [from: number, before: number] | undefined } = {}
): string =>
  [
    selector(lineLabels(key)),
    ...(revision === undefined ? [] : [`revision=${quoted(revision)}`]),
    ...(n === undefined ? [] : [`n>=${n[0]}`, `n<${n[1]}`])
  ].join(" | ")

/** Streams of lines of an organization. */
export const linesOfOrganization = (organizationId: OrganizationId): string =>
  selector({ job: linesJob, organization: organizationId })

/** Everything stored of an organization. */
export const allOfOrganization = (organizationId: OrganizationId): string =>
  `{job=~"${linesJob}|${positionsJob}",organization=${quoted(organizationId)}}`

/** Everything stored of a service. */
export const allOfService = (key: HistoryKey): string => {
  const { job: _, ...labels } = lineLabels(key)
  return `{job=~"${linesJob}|${positionsJob}",${selector(labels).slice(1)}`
}
