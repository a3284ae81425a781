import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import { KeyScope, OrganizationId, operations, Role, UserId } from "@maxcloud/sdk/api"
import { Effect, Either, Layer, Option, Schema } from "effect"
import { type Asked, authorize } from "../identity/authorize.ts"
import { Places } from "../identity/Places.ts"
import type { Caller } from "./Caller.ts"
import { effectiveRole, mayGive } from "./policy.ts"
import { rolesPage } from "./rolesPage.ts"

const organization = { id: OrganizationId.make(`org_${"0".repeat(32)}`), name: OrganizationName.make("acme") }
const caller = (changes: Partial<Caller>): Caller => ({
  organization,
  roles: ["owner"],
  scopes: undefined,
  credential: { type: "local" },
  person: undefined,
  ...changes
})
const rules = operations.map((operation) => operation.row)
const scopes = (...written: ReadonlyArray<string>) => written.map((value) => Schema.decodeSync(KeyScope)(value))

const places = Layer.succeed(Places, {
  find: (_, __, id) =>
    Effect.succeed(
      id === "known" ? Option.some({ app: AppName.make("shop"), stage: StageName.make("production") }) : Option.none()
    )
})

const decide = (who: Caller, asked: Partial<Asked> & Pick<Asked, "operation">) =>
  authorize(who, { parameters: {}, query: new URLSearchParams(), verifiedOnly: true, ...asked }).pipe(
    Effect.either,
    Effect.map((found) => (Either.isRight(found) ? "allowed" : found.left.detail)),
    Effect.provide(places)
  )

describe("the rules of the contract", () => {
  it("match docs/reference/roles.md (`npm run generate`)", () => {
    expect(readFileSync(join(import.meta.dirname, "../../../../docs/reference/roles.md"), "utf8")).toBe(rolesPage())
  })

  it("let owners do everything, and nobody grant more than they have", () => {
    for (const { roles } of rules) assert(roles === "open" || roles.includes("owner"))
    for (const role of Role.literals) {
      assert(mayGive(["owner"], role))
      assert(mayGive([role], role))
      // No role that a role can grant may do anything that the role itself can't.
      for (const given of Role.literals.filter((literal) => mayGive([role], literal))) {
        for (const { roles } of rules) {
          assert(roles === "open" || !roles.includes(given) || roles.includes(role), `${role} gives ${given}`)
        }
      }
    }
    expect(mayGive(["admin"], "owner")).toBe(false)
    expect(mayGive(["owner", "viewer"], "deployer")).toBe(false)
    expect(mayGive(["billing"], "viewer")).toBe(false)
  })

  it("apply the lesser of a key's and its creator's role", () => {
    expect(effectiveRole({ roles: ["owner", "viewer"] })).toBe("viewer")
    expect(effectiveRole({ roles: ["deployer", "admin"] })).toBe("deployer")
  })
})

describe("authorize", () => {
  it.effect("require every role of the caller to be allowed", () =>
    Effect.gen(function* () {
      const operation = "apps.deploy"
      expect(yield* decide(caller({ roles: ["deployer"] }), { operation })).toBe("allowed")
      expect(yield* decide(caller({ roles: ["viewer"] }), { operation })).toMatch(/is viewer: ask an owner or admin/)
      expect(yield* decide(caller({ roles: ["owner", "viewer"] }), { operation })).toMatch(/is viewer/)
      expect(yield* decide(caller({ roles: ["owner", "billing"] }), { operation: "services.list" })).toMatch(
        /is billing/
      )
    })
  )

  it.effect("let an unconfirmed address look at itself, and do nothing", () =>
    Effect.gen(function* () {
      const person = { id: UserId.make(`usr_${"0".repeat(32)}`), email: "ada@example.com", verified: false }
      expect(yield* decide(caller({ person }), { operation: "apps.deploy" })).toMatch(/confirm your e-mail address/)
      expect(yield* decide(caller({ person }), { operation: "services.list" })).toMatch(/confirm your e-mail address/)
      expect(yield* decide(caller({ person }), { operation: "auth.status" })).toBe("allowed")
      expect(yield* decide(caller({ person }), { operation: "apps.deploy", verifiedOnly: false })).toBe("allowed")
    })
  )

  it.effect("limit a narrowed key to its apps, stages and verbs, wherever a request names them", () =>
    Effect.gen(function* () {
      const key = caller({ scopes: scopes("deploy:shop/production", "read:blog/*") })
      const at = (app: string, stage: string) => ({ parameters: { app, stage } })
      expect(yield* decide(key, { operation: "apps.deploy", ...at("shop", "production") })).toBe("allowed")
      expect(yield* decide(key, { operation: "apps.secrets", ...at("shop", "production") })).toBe("allowed")
      expect(yield* decide(key, { operation: "apps.deploy", ...at("shop", "dev") })).toMatch(/narrowed/)
      expect(yield* decide(key, { operation: "apps.deploy", ...at("blog", "production") })).toMatch(/narrowed/)
      expect(yield* decide(key, { operation: "apps.plan", ...at("blog", "dev") })).toBe("allowed")
      expect(yield* decide(key, { operation: "apps.plan", ...at("other", "dev") })).toMatch(/narrowed/)

      const listed = (query: string) => decide(key, { operation: "services.list", query: new URLSearchParams(query) })
      // The handler shows only what the scopes allow.
      expect(yield* listed("")).toBe("allowed")
      expect(yield* listed("app=shop")).toBe("allowed")
      expect(yield* listed("app=shop&stage=production")).toBe("allowed")
      expect(yield* listed("app=shop&stage=dev")).toMatch(/narrowed/)

      const of = (id: string) => ({ parameters: { id } })
      expect(yield* decide(key, { operation: "services.pause", ...of("known") })).toBe("allowed")
      expect(yield* decide(key, { operation: "services.pause", ...of("unknown") })).toMatch(/no such service/)
      expect(yield* decide(key, { operation: "deployments.get", ...of("known") })).toBe("allowed")

      for (const operation of ["apps.list", "audit.list", "organization.export", "auth.createApiKey"] as const) {
        expect(yield* decide(key, { operation })).toMatch(/affects the whole organization/)
      }
      expect(yield* decide(key, { operation: "sources.put" })).toBe("allowed")
      const reader = caller({ scopes: scopes("read:shop/*") })
      expect(yield* decide(reader, { operation: "sources.put" })).toMatch(/only allows reading/)
      expect(yield* decide(reader, { operation: "info.get" })).toBe("allowed")
    })
  )
})
