import { Effect } from "effect"
import { text, texts } from "../args/flags.ts"
import { trustOf } from "../auth/oidcTrust.ts"
import { needed, parseRole, parseScopes } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"

export default command({
  summary: "Trust CI's own tokens, without a stored key",
  examples: [
    {
      line: "maxcloud auth oidc add --name ci --github acme/shop --branch main --scope deploy:shop/production",
      does: "Trust GitHub Actions, on pushes to main"
    },
    { line: "maxcloud auth oidc add --name ci --gitlab acme/shop --branch main", does: "Trust GitLab CI" },
    {
      line: "maxcloud auth oidc add --name ci --issuer https://ci.example.com --claim 'sub=job:shop:*' --claim project_id=1234",
      does: "Trust any issuer that publishes its keys"
    }
  ],
  notes: [
    "A token must be signed by the issuer, issued for the audience maxcloud/ORGANIZATION, and have all of the claims (`*`: any text).",
    "Without --branch, every workflow of the repository may act, including those of pull requests. docs/auth.md has complete examples.",
    "A trust that doesn't pin the subject (no --branch, or `*` in sub) must pin the owner's id: --claim repository_owner_id=1234 (GitHub), project_id or namespace_id (GitLab), or your issuer's equivalent."
  ],
  flags: flags({
    name: text("name", "NAME", { alias: "n", description: "A description, such as 'CI of shop'" }),
    github: text("github", "OWNER/REPO", { description: "Trust GitHub Actions of this repository" }),
    gitlab: text("gitlab", "GROUP/PROJECT", {
      description: "Trust GitLab CI of this project, at gitlab.com or at --issuer"
    }),
    branch: text("branch", "BRANCH", { description: "Only on this branch, with --github or --gitlab" }),
    issuer: text("issuer", "URL", { description: "Trust tokens of this issuer" }),
    claim: texts("claim", "NAME=VALUE", { description: "A claim that a token must have" }),
    role: text("role", "ROLE", { description: "owner, admin, deployer, viewer or billing [deployer]" }),
    scope: texts("scope", "SCOPE", { description: "Narrow it to an app and stage, such as deploy:shop/production" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* needed(input.name, "what is the trust for?", "--name ci")
      const { claims, issuer } = yield* trustOf(input)
      const role = input.role === undefined ? undefined : yield* parseRole(input.role)
      const scopes = yield* parseScopes(input.scope)
      const trust = yield* (yield* connect(input)).auth.oidcTrusts.create({ name, issuer, claims, role, scopes })
      if (terminal.json) return terminal.printJson({ oidcTrust: trust })
      const shown = Object.entries(trust.claims).map(([claim, value]) => `${claim}=${value}`)
      terminal.say(`tokens from ${trust.issuer} with ${shown.join(" and ")} act as ${trust.role}`)
      terminal.say(`they must be issued for the audience ${trust.audience}`)
    })
})
