import { assert, describe, it } from "@effect/vitest"
import { problemOfClaims } from "./trustRules.ts"

const gitHub = "https://token.actions.githubusercontent.com"
const gitLab = "https://gitlab.com"
const own = "https://ci.example.com"

const good: ReadonlyArray<readonly [string, Record<string, string>]> = [
  [gitHub, { sub: "repo:acme/shop:*" }],
  [gitHub, { sub: "repo:acme/*", ref: "refs/heads/main" }],
  [gitHub, { sub: "repo:acme@123/shop@456:*" }],
  [gitHub, { sub: "repository_owner:acme:environment:production" }],
  [gitHub, { repository: "acme/shop", environment: "production" }],
  [gitHub, { repository_owner_id: "1234" }],
  [`${gitHub}/acme`, { repository: "acme/*" }],
  [gitLab, { project_path: "acme/shop" }],
  [gitLab, { namespace_path: "acme/*" }],
  [gitLab, { sub: "project_path:acme/*:ref_type:branch:ref:main" }],
  [own, { sub: "job:*" }],
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
  [own, { sub: "*" }],
  [own, { sub: "job:shop", ref: "**" }],
  [own, { aud: "maxcloud/acme", iss: own }]
]

describe("problemOfClaims", () => {
  for (const [issuer, claims] of good) {
    it(`takes ${JSON.stringify(claims)} of ${issuer}`, () => assert.isUndefined(problemOfClaims(issuer, claims)))
  }
  for (const [issuer, claims] of bad) {
    it(`refuses ${JSON.stringify(claims)} of ${issuer}`, () => assert.isString(problemOfClaims(issuer, claims)))
  }
})
