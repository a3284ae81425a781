import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { type KubeCause, KubeError } from "../../kubeApi/KubeApi.ts"
import type { Requests } from "./binding.ts"
import { refusalOf, runtimeErrorOf } from "./refusal.ts"

const object = { kind: "Service", namespace: "acme", name: "api" }
const error = (message: string, more: Partial<Pick<KubeError, "reason" | "status" | "causes">> = {}) =>
  new KubeError({ reason: "invalid", status: 400, statusReason: "", message, causes: [], ...more })

const webhook = 'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: '
const service = "PATCH /apis/serving.knative.dev/v1/namespaces/acme/services/api"

/** Messages of API servers 1.34 with Knative 1.21. */
const answers = {
  PodSecurityRefused: error(
    `${webhook}dry run failed with pods "dry-run-validation" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (${service})`
  ),
  QuotaExceeded: error(
    `${webhook}dry run failed with pods "dry-run-validation" is forbidden: exceeded quota: maxcloud--default, requested: pods=1, used: pods=0, limited: pods=0`
  ),
  LimitExceeded: error('pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi', {
    reason: "forbidden",
    status: 403
  }),
  AdmissionRefused: error(`${webhook}must not set the field(s): spec.template.spec.nodeSelector (${service})`),
  FieldConflict: error('Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .spec.egress', {
    reason: "conflict",
    status: 409,
    causes: [
      { reason: "FieldManagerConflict", field: ".spec.egress", message: 'conflict with "kubectl-edit" using v1' }
    ] satisfies ReadonlyArray<KubeCause>
  })
} as const

describe("refusalOf", () => {
  for (const [code, answer] of Object.entries(answers)) {
    it(`reads ${code}`, () => {
      expect(refusalOf(answer, object)).toMatchObject({ reason: "refused", diagnosis: { code } })
    })
  }

  it("names who holds a field", () => {
    expect(refusalOf(answers.FieldConflict, object).diagnosis.message).toBe(
      'Service "acme/api": spec.egress is held by "kubectl-edit"'
    )
  })

  it("quotes the webhook's message without the request", () => {
    expect(refusalOf(answers.AdmissionRefused, object).diagnosis.message).toBe(
      'Service "acme/api": the admission webhook "validation.webhook.serving.knative.dev" says: validation failed: must not set the field(s): spec.template.spec.nodeSelector'
    )
  })

  it("waits for an unreachable webhook, a terminating namespace, and a changed object", () => {
    const waits = [
      error(
        'Internal error occurred: failed calling webhook "webhook.serving.knative.dev": failed to call webhook: Post "https://x": context deadline exceeded',
        { reason: "unreachable", status: 500 }
      ),
      error(
        'networkpolicies "x" is forbidden: unable to create new content in namespace acme because it is being terminated',
        { reason: "forbidden", status: 403 }
      ),
      error("Precondition failed: UID in precondition", { reason: "conflict", status: 409 })
    ]
    expect(waits.map((wait) => refusalOf(wait, object).reason)).toEqual(waits.map(() => "unavailable"))
    expect(refusalOf(waits[0] ?? error(""), object).diagnosis.message).toContain('"webhook.serving.knative.dev"')
  })
})

describe("runtimeErrorOf", () => {
  const since = new Date("2026-01-02T03:04:05Z")
  const api: Requests = {
    server: "https://cluster.example",
    unreachableSince: Effect.succeed(Option.some(since)),
    awayMillis: Effect.succeed(0),
    request: () => Effect.die("asked")
  }
  const of = (value: KubeError) =>
    Exit.match(Effect.runSyncExit(Effect.flip(runtimeErrorOf(api, object)(value))), {
      onFailure: () => undefined,
      onSuccess: ({ diagnosis, message, reason }) => ({ reason, code: diagnosis?.code, message })
    })

  it("says since when the cluster has been unreachable", () => {
    expect(of(error("ECONNREFUSED", { reason: "unreachable" }))).toMatchObject({
      reason: "unavailable",
      code: "ClusterUnreachable"
    })
    const silent = new KubeError({
      reason: "unreachable",
      status: undefined,
      statusReason: "",
      message: "x",
      causes: []
    })
    expect(of(silent)?.message).toBe("The cluster has been unreachable since 2026-01-02T03:04:05.000Z. Retrying.")
  })

  it("names the remedy for a missing permission", () => {
    const message =
      'secrets "x" is forbidden: User "system:serviceaccount:a:b" cannot patch resource "secrets" in API group "" in the namespace "acme"'
    expect(of(error(message, { reason: "forbidden", status: 403 }))).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("maxcloud cluster install")
    })
  })
})
