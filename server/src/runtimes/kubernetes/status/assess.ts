import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { KnativeServiceObject, PodObject, RevisionObject } from "../cache/objects.ts"
import { diagnose } from "../diagnosis/diagnose.ts"
import type { Evidence, Finding, Verdict } from "../diagnosis/Evidence.ts"
import { isGone } from "../diagnosis/PodCase.ts"
import { podsOfRevision } from "../diagnosis/revisionFacts.ts"

/** The record of a service that is or was unhealthy. */
export interface ServiceCase {
  readonly findings: Map<string, Finding>
  readonly asking: Set<string>
  /** The last certain verdict on a revision, for when its pods are gone. */
  remembered: { readonly revision: string; readonly verdict: Verdict } | undefined
}

/** A service as it is in the cache. */
export interface SeenService {
  readonly service: KnativeServiceObject
  readonly revisions: ReadonlyArray<RevisionObject>
  readonly pods: ReadonlyArray<PodObject>
}

export const seenService = (cache: ClusterCache["Type"], namespace: string, name: string): SeenService | undefined => {
  const service = cache.service(namespace, name)
  if (service === undefined) return undefined
  return { service, revisions: cache.revisionsOf(namespace, name), pods: cache.podsOf(namespace, name) }
}

/** The verdict on a service's newest revision, or the remembered one if its pods are gone. */
export const assess = (
  cache: ClusterCache["Type"],
  { pods, revisions, service }: SeenService,
  known: ServiceCase | undefined,
  now: number,
  awaySince: Evidence["awaySince"]
): Verdict => {
  const { namespace } = service.metadata
  const verdict = diagnose({
    now,
    service,
    revisions,
    pods,
    eventsOf: (kind, involved) => cache.eventsOf(namespace, { kind, name: involved }),
    findings: known?.findings ?? new Map(),
    awaySince
  })
  if (verdict.expired === true) return verdict
  const revision = service.status.latestCreatedRevisionName
  const isAlive = podsOfRevision(pods, revision).some((value) => !isGone(value))
  const vague = verdict.diagnosis === null || verdict.diagnosis.code === "ProgressDeadlineExceeded"
  const failed = revision !== service.status.latestReadyRevisionName
  const remembered = known?.remembered
  return failed && vague && !isAlive && remembered?.revision === revision
    ? { ...remembered.verdict, terminal: remembered.verdict.terminal || verdict.terminal }
    : verdict
}

/** Drops findings about pods and revisions that are gone. */
export const forgetGone = ({ findings }: ServiceCase, { pods, revisions }: SeenService) => {
  const alive = new Set([...pods, ...revisions].map((object) => object.metadata.uid))
  for (const finding of findings.keys()) {
    if (!alive.has(finding.slice(0, finding.indexOf("/")))) findings.delete(finding)
  }
}
