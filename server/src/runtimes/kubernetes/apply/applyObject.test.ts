import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Effect, Option } from "effect"
import { KubeError, type KubeRequest } from "../../kubeApi/KubeApi.ts"
import type { NamespaceKey } from "../../port/Runtime.ts"
import { makeApplied } from "./applied.ts"
import { applyObject } from "./applyObject.ts"
import type { Requests } from "./binding.ts"
import { placeOf } from "./managed.ts"

const key: NamespaceKey = {
  organizationId: OrganizationId.make(`org_${"a".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  namespace: "acme-shop-production"
}
const place = placeOf("secret", key.namespace, "web")
const manifest = { apiVersion: "v1", kind: "Secret", metadata: { name: "web" } }

const metadata = (labels: Readonly<Record<string, string>>) => ({
  ...manifest,
  metadata: { name: "web", namespace: key.namespace, uid: "u", resourceVersion: "1", generation: 1, labels }
})
const ours = metadata({
  "app.kubernetes.io/managed-by": "maxcloud",
  [label.organization]: "acme",
  [label.app]: "shop",
  [label.stage]: "production"
})

/** Somebody creates the object right before our first write. */
const applied = (created: object) => {
  const asked: Array<string> = []
  const conflict = new KubeError({
    reason: "conflict",
    status: 409,
    statusReason: "Conflict",
    message: "Apply failed with 1 conflict",
    causes: [{ reason: "FieldManagerConflict", field: ".data.A", message: 'conflict with "kubectl" using v1' }]
  })
  const request = ({ method, query }: KubeRequest) => {
    asked.push(query?.["force"] === undefined ? method : `${method} force=${query["force"]}`)
    return method === "PATCH" && query?.["force"] === "false" ? Effect.fail(conflict) : Effect.succeed(created)
  }
  const api: Requests = {
    server: "https://cluster",
    unreachableSince: Effect.succeed(Option.none()),
    awayMillis: Effect.succeed(0),
    request
  }
  const change = { place, digest: "d", filled: Effect.succeed(manifest) }
  return Effect.gen(function* () {
    const known = yield* makeApplied
    const outcome = yield* Effect.either(applyObject(api, known, key, change, undefined, { force: true }))
    return { outcome, asked }
  })
}

describe("an object that appears between our look and our write", () => {
  it.effect("stays as it is if it is somebody else's", () =>
    Effect.gen(function* () {
      const { asked, outcome } = yield* applied(metadata({ "app.kubernetes.io/managed-by": "Helm" }))
      expect(asked).toEqual(["PATCH force=false", "GET"])
      expect(outcome).toMatchObject({ _tag: "Left", left: { reason: "refused" } })
    })
  )

  it.effect("is applied by force if it is ours", () =>
    Effect.gen(function* () {
      const { asked, outcome } = yield* applied(ours)
      expect(asked).toEqual(["PATCH force=false", "GET", "PATCH force=true"])
      expect(outcome).toMatchObject({ _tag: "Right" })
    })
  )
})
