import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { makeCertificate } from "../../../../test/mail/testSmtp.ts"
import { makeTestIssuerWith, type SignOptions, type TestIssuer } from "../../../../test/oidc/testIssuer.ts"
import { firstMismatch } from "./claims.ts"
import { makeIssuerKeys } from "./IssuerKeys.ts"
import { verifyIdToken } from "./verifyIdToken.ts"

const audience = "maxcloud/acme"

/** GitHub's claims for a job: https://docs.github.com/en/actions/reference/security/oidc, "OIDC token claims". */
const ofGitHub = {
  jti: "0a1b2c3d-0000-4000-8000-000000000001",
  sub: "repo:acme/shop:environment:production",
  aud: audience,
  ref: "refs/heads/main",
  sha: "0123456789abcdef0123456789abcdef01234567",
  repository: "acme/shop",
  repository_owner: "acme",
  repository_owner_id: "65",
  repository_id: "74",
  repository_visibility: "private",
  run_id: "30433642",
  run_number: "10",
  run_attempt: "2",
  runner_environment: "github-hosted",
  actor: "ada",
  actor_id: "12",
  workflow: "deploy",
  workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
  head_ref: "",
  base_ref: "",
  event_name: "push",
  ref_type: "branch",
  environment: "production",
  job_workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/main"
}

/** GitLab's claims for a job: https://docs.gitlab.com/ci/secrets/id_token_authentication/, "Token payload". */
const ofGitLab = {
  jti: "0a1b2c3d-0000-4000-8000-000000000002",
  sub: "project_path:acme/shops/web:ref_type:branch:ref:main",
  aud: audience,
  namespace_id: "72",
  namespace_path: "acme/shops",
  project_id: "20",
  project_path: "acme/shops/web",
  project_visibility: "private",
  user_id: "1",
  user_login: "ada",
  user_email: "ada@example.com",
  user_access_level: "maintainer",
  groups_direct: ["acme/shops", "acme/ops"],
  pipeline_id: "574",
  pipeline_source: "push",
  job_id: "302",
  ref: "main",
  ref_type: "branch",
  ref_path: "refs/heads/main",
  ref_protected: "true",
  runner_id: 1,
  runner_environment: "self-hosted",
  sha: "0123456789abcdef0123456789abcdef01234567",
  ci_config_ref_uri: "gitlab.example.com/acme/shops/web//.gitlab-ci.yml@refs/heads/main",
  environment: "production",
  environment_protected: "false",
  deployment_tier: "production"
}

const verifier = Effect.map(makeIssuerKeys({ allowPrivateIssuers: true, timeoutMs: 5_000 }), (keysOf) => {
  const verify = ({ issuer }: TestIssuer, token: string) =>
    verifyIdToken(Redacted.make(token), keysOf(issuer), { issuer, audience }, new Date())
  const signed = (issuer: TestIssuer, claims: Readonly<Record<string, unknown>>, options?: SignOptions) =>
    Effect.flatMap(issuer.sign({ aud: audience, sub: "job:1", ...claims }, options), (found) => verify(issuer, found))
  return { signed }
})

const mismatches = (claims: Readonly<Record<string, unknown>>, wanted: ReadonlyArray<Record<string, string>>) =>
  wanted.map((value) => firstMismatch(value, claims)?.claim)

describe("issuers", () => {
  it.live("can sign with RSA, RSA-PSS, elliptic and Edwards curves, wherever their path is", () =>
    Effect.gen(function* () {
      const { signed } = yield* verifier
      for (const path of ["", "/realms/acme"]) {
        const issuer = yield* makeTestIssuerWith({ path })
        for (const algorithm of ["RS256", "PS256", "ES256", "EdDSA"] as const) {
          expect((yield* signed(issuer, {}, { algorithm })).sub).toBe("job:1")
          const other = issuer.keys().find((name) => name.algorithm !== algorithm) ?? expect.unreachable("one key")
          const error = yield* Effect.flip(signed(issuer, {}, { algorithm, kid: other.kid }))
          expect(error.message).toMatch(/no key with the kid/)
        }
        // Without a key id, the algorithm determines the key.
        yield* signed(issuer, {}, { algorithm: "PS256", kid: null })
      }
    }).pipe(Effect.scoped)
  )

  it.live("provide the claims that trusts of GitHub's and GitLab's jobs require", () =>
    Effect.gen(function* () {
      const { signed } = yield* verifier
      const issuer = yield* makeTestIssuerWith({})
      const gitHub = yield* signed(issuer, ofGitHub)
      const gitLab = yield* signed(issuer, ofGitLab)
      const good = [
        { sub: "repo:acme/shop:environment:production" },
        { repository: "acme/shop", ref: "refs/heads/main" },
        { repository_owner_id: "65", event_name: "push", environment: "prod*" },
        { job_workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/*" }
      ]
      expect(mismatches(gitHub, good)).toStrictEqual([undefined, undefined, undefined, undefined])
      const bad = [{ sub: "repo:acme/shop:ref:refs/heads/main" }, { ref: "main" }, { repository: "acme/sho" }]
      expect(mismatches(gitHub, bad)).toStrictEqual(["sub", "ref", "repository"])
      const own = [
        { sub: "project_path:acme/shops/web:ref_type:branch:ref:main" },
        { project_path: "acme/*", ref: "main", ref_protected: "true" },
        { namespace_id: "72", runner_id: "1" },
        { groups_direct: "acme/ops" }
      ]
      expect(mismatches(gitLab, own)).toStrictEqual([undefined, undefined, undefined, undefined])
      const foreign = [{ project_path: "acme/shops" }, { groups_direct: "acme" }, { ref_protected: "false" }]
      expect(mismatches(gitLab, foreign)).toStrictEqual(["project_path", "groups_direct", "ref_protected"])
    }).pipe(Effect.scoped)
  )

  it.live(
    "are asked over TLS, with certificates only from authorities that the system or the operator trusts",
    () =>
      Effect.gen(function* () {
        const certificate = makeCertificate()
        const issuer = yield* makeTestIssuerWith({ certificate, path: "/realms/acme" })
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "maxcloud-authority-"))),
          (found) => Effect.sync(() => rmSync(found, { recursive: true, force: true }))
        )
        const file = join(folder, "authority.pem")
        writeFileSync(file, certificate.cert)
        const named = yield* keysByProcess(issuer.issuer, { NODE_EXTRA_CA_CERTS: file })
        expect(named).toStrictEqual({ algorithms: issuer.keys().map((name) => name.algorithm) })
        const unknown = yield* keysByProcess(issuer.issuer, {})
        expect(unknown.problem ?? "").toMatch(/is unreachable \((DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED.*)\)/)
      }).pipe(Effect.scoped),
    120_000
  )
})

interface Told {
  readonly algorithms?: ReadonlyArray<string>
  readonly problem?: string
}

/** An issuer's keys as seen by a process of its own, because known authorities are read at a process's start. */
const keysByProcess = (issuer: string, environment: Readonly<Record<string, string>>) =>
  Effect.async<Told>((resume) => {
    const program = `
      const { Effect } = await import("effect")
      const { makeIssuerDocuments } = await import(${JSON.stringify(join(import.meta.dirname, "issuerDocuments.ts"))})
      const told = await Effect.runPromise(Effect.scoped(Effect.flatMap(makeIssuerDocuments({ allowPrivateIssuers: true }), (_) =>
        Effect.promise(() => _.keySet(${JSON.stringify(issuer)}).then(
          ({ keys }) => ({ algorithms: keys.map(({ alg }) => alg) }),
          ({ message }) => ({ problem: message }))))))
      console.log(JSON.stringify(told))`
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let [output, errors] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.on("close", () => {
      resume(output === "" ? Effect.dieMessage(errors) : Effect.sync((): Told => JSON.parse(output)))
    })
  })
