import { assert, describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { problemOfClaims } from "./trustRules.ts"

const gitHub = "https://token.actions.githubusercontent.com"
const gitLab = "https://gitlab.com"
const own = "https://ci.example.com"

const good: ReadonlyArray<readonly [string, Record<string, string>]> = [
  [gitHub, { sub: "repo:acme/shop:ref:refs/heads/main" }],
  [gitHub, { sub: "repo:acme/shop:*", repository_owner_id: "1234" }],
  [gitHub, { sub: "repo:acme/*", repository_id: "56", ref: "refs/heads/main" }],
  [gitHub, { sub: "repository_owner_id:1234:*" }],
  [gitHub, { sub: "repo:acme@123/shop@456:*" }],
  [gitHub, { sub: "repository_owner:acme:environment:production" }],
  [gitHub, { repository: "acme/shop", repository_id: "56", environment: "production" }],
  [gitHub, { repository_owner_id: "1234" }],
  [`${gitHub}/acme`, { repository: "acme/*", repository_owner_id: "1234" }],
  [gitLab, { project_path: "acme/shop", project_id: "7" }],
  [gitLab, { namespace_path: "acme/*", namespace_id: "8" }],
  [gitLab, { sub: "project_path:acme/shop:ref_type:branch:ref:main" }],
  [gitLab, { sub: "project_path:acme/*:ref_type:branch:ref:main", namespace_id: "8" }],
  [own, { sub: "job:shop" }],
  [own, { sub: "job:*", organization_id: "o-1" }],
  [own, { sub: "repo:acme/*", repository_owner_id: "1234" }],
  [own, { project: "shop" }]
]

const bad: ReadonlyArray<readonly [string, Record<string, string>]> = [
  [gitHub, { ref: "refs/heads/main" }],
  [gitHub, { sub: "repo:*" }],
  [gitHub, { sub: "repo:acme*" }],
  [gitHub, { sub: "repo:ac*e/shop:*" }],
  [gitHub, { sub: "*/shop:*" }],
  [gitHub, { sub: "repository_owner:ac*" }],
  [gitHub, { sub: "environment:production" }],
  [gitHub, { repository: "*/shop" }],
  [gitHub, { repository: "acme*" }],
  [gitHub, { repository_owner: "acme*" }],
  [`${gitHub}/acme`, { environment: "production" }],
  [gitLab, { namespace_path: "acme*" }],
  [gitLab, { ref: "main", ref_protected: "true" }],
  // An open subject, without an owner's id.
  [gitHub, { sub: "repo:acme/shop:*" }],
  [gitHub, { sub: "repo:acme/*", repository: "acme/shop" }],
  [gitHub, { sub: "repo:acme/shop:*", repository_owner_id: "12*" }],
  [gitHub, { sub: "repo:acme@*/shop@*:*" }],
  [gitHub, { repository: "acme/shop" }],
  [gitHub, { repository_owner: "acme", ref: "refs/heads/main" }],
  [gitLab, { project_path: "acme/shop", ref: "main", ref_type: "branch" }],
  [gitLab, { sub: "project_path:acme/shop:*", namespace_path: "acme" }],
  [own, { sub: "job:*" }],
  [own, { sub: "repo:acme/*", ref: "refs/heads/main", environment: "production" }],
  [own, { sub: "job:*", azp: "maxcloud/acme" }],
  [own, { sub: "job:*", organization_id: "o-*" }],
  [own, { project: "sh*p" }],
  [own, { ref: "main" }],
  [own, { sub: "*" }],
  [own, { sub: "job:shop", ref: "**" }],
  [own, { aud: "maxcloud/acme", iss: own }]
]

describe("problemOfClaims", () => {
  it("says what to add, and how to find it", () => {
    const problem = problemOfClaims(gitHub, { sub: "repo:acme/shop:*" }) ?? ""
    expect(problem).toContain("add the claim repository_owner_id or repository_id")
    expect(problem).toContain("gh api users/OWNER")
  })

  it("requires an exact claim beside a subject with a star, or a missing one, for every issuer", () => {
    const issuer = fc.constantFrom(gitHub, `${gitHub}/acme`, gitLab, own, "https://gitlab.example.com")
    const text = fc.stringMatching(/^[a-z:/]{0,8}$/)
    const subject = fc.tuple(text, text).map(([before, after]) => ({ sub: `${before}*${after}` }))
    const open = fc.oneof(subject, fc.constant({}))
    const name = fc.constantFrom("ref", "environment", "repository", "repository_owner_id", "project_id", "team", "azp")
    const starred = fc.dictionary(
      name,
      fc.tuple(text, text).map((parts) => parts.join("*"))
    )
    fc.assert(
      fc.property(issuer, open, starred, (at, sub, more) => {
        assert(typeof problemOfClaims(at, { ...more, ...sub }) === "string")
      }),
      { numRuns: 1_000 }
    )
  })

  for (const [issuer, claims] of good) {
    it(`accepts ${JSON.stringify(claims)} of ${issuer}`, () => expect(problemOfClaims(issuer, claims)).toBeUndefined())
  }
  for (const [issuer, claims] of bad) {
    it(`refuses ${JSON.stringify(claims)} of ${issuer}`, () =>
      assert(typeof problemOfClaims(issuer, claims) === "string"))
  }
})
