import { expect, it } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { type Plan, PlanId } from "@maxcloud/sdk/api"
import { planChanges } from "./planChanges.ts"

const digest = (digit: string) => `docker.io/library/nginx@sha256:${digit.repeat(64)}`
const object = (kind: string, name: string, rest: object = {}) => ({ kind, metadata: { name, ...rest } })
const plan: Plan = {
  id: PlanId.make(`plan_1_00000000_${"0".repeat(64)}`),
  basedOn: 1,
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  changes: [],
  problems: [],
  warnings: [],
  platform: [],
  images: { nginx: digest("a") },
  secretVersions: { KEY: 3 },
  manifests: [object("Service", "web"), object("Secret", "web--1")],
  objects: []
}

it("names exactly the digests, versions and objects that differ", () => {
  expect(planChanges(plan, { ...plan, basedOn: 2, manifests: [...(plan.manifests ?? [])].reverse() })).toEqual([])
  expect(
    planChanges(plan, {
      ...plan,
      images: { nginx: digest("b") },
      secretVersions: { KEY: 4, MORE: 1 },
      manifests: [object("Service", "web", { labels: {} }), object("Secret", "web--2")]
    })
  ).toEqual([
    "image nginx: sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb",
    "secret KEY: version 3 → 4",
    "secret MORE: version (none) → 1",
    "~ Service/web",
    "- Secret/web--1",
    "+ Secret/web--2"
  ])
  expect(
    planChanges(plan, {
      ...plan,
      id: null,
      images: { nginx: null },
      secretVersions: {},
      manifests: null,
      problems: [{ pointer: "/spec", code: "invalid_value", detail: 'the secret "KEY" is not set' }]
    })
  ).toEqual([
    "image nginx: sha256:aaaaaaaaaaaa → (unknown)",
    "secret KEY: version 3 → (none)",
    'problem: the secret "KEY" is not set'
  ])
})
