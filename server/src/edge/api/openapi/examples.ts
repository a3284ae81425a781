import { type OperationName, operations } from "@maxcloud/sdk/api"
import * as values from "./exampleValues.ts"
import type { Json } from "./json.ts"

/** Examples of an operation's request and answer. */
interface Example {
  readonly request?: unknown
  readonly answer?: unknown
}

const sessionOf = (request: object): Example => ({ request, answer: values.session })

/** One example for each operation. Operations without bodies, or with binary ones, have none. */
export const exampleOf: Readonly<Record<OperationName, Example>> = {
  "health.healthz": { answer: { status: "ok" } },
  "health.readyz": { answer: values.readiness },
  "info.get": { answer: values.serverInfo },
  "services.list": { answer: [values.service] },
  "services.create": {
    request: { name: "myapp", image: "nginx:1.27", env: { GREETING: "Hello" }, port: 80 },
    answer: values.service
  },
  "services.get": { answer: values.service },
  "services.delete": {},
  "services.pause": { answer: values.pausedService },
  "services.resume": { answer: values.service },
  "services.restart": { answer: { service: values.service, replaces: "web-00002" } },
  "services.exec": {},
  "services.openPort": {},
  "services.revisions": { answer: [values.revision] },
  "services.logs": { answer: [values.logEntry] },
  "apps.list": { answer: [values.appStage] },
  "apps.plan": { request: { spec: values.spec }, answer: values.plan },
  "apps.deploy": {
    request: {
      spec: values.spec,
      message: "Raise the limit of orders",
      metadata: { commit: "3f2a1bc" },
      plan: values.planId
    },
    answer: values.deployment
  },
  "apps.cancel": { answer: values.cancelledDeployment },
  "apps.deployment": { answer: values.deployment },
  "apps.deploymentSpec": { answer: values.deploymentSpec },
  "apps.deployments": { answer: [values.deployment] },
  "apps.destroy": { answer: { ...values.deployment, kind: "destroy", message: null, metadata: {} } },
  "apps.outputs": { answer: { url: "https://web--shop--acme.example.com" } },
  "apps.secrets": { answer: [values.secret] },
  "apps.setSecret": { request: { value: "postgres://shop@db.example.com/shop" }, answer: values.secret },
  "apps.unsetSecret": {},
  "apps.importSecrets": {
    request: { secrets: [{ name: "DATABASE_URL", value: "postgres://shop@db.example.com/shop" }] },
    answer: [values.secret]
  },
  "apps.copySecrets": {
    request: { from: { app: "shop", stage: "staging" }, names: ["DATABASE_URL"] },
    answer: [values.secret]
  },
  "apps.secretVersions": { answer: [values.secretVersion] },
  "apps.rollbackSecret": { request: { version: 2 }, answer: values.secret },
  "apps.drift": { answer: [values.drift] },
  "apps.leftAlone": { answer: values.leftAlone },
  "apps.suspension": { answer: { suspension: values.suspension } },
  "apps.suspend": { request: { reason: "Hotfix of the pool size", seconds: 3_600 }, answer: values.suspension },
  "apps.endSuspension": {},
  "apps.verifyNetwork": { answer: values.networkReport },
  "deployments.get": { answer: values.deployment },
  "deployments.events": { answer: 'id: 1\nevent: accepted\ndata: {"id":1}\n\n' },
  "sources.get": { answer: { digest: values.sourceDigest, bytes: 20_480 } },
  "sources.put": {},
  "usage.read": { answer: values.usage },
  "events.list": { answer: [values.event] },
  "policies.list": { answer: [values.policy] },
  "policies.get": { answer: values.policy },
  "policies.set": {
    request: { expression: values.policy.expression, message: values.policy.message },
    answer: {
      policy: values.policy,
      tried: 4,
      breaches: [
        { app: "shop", stage: "staging", detail: 'api: Policy "max-memory" of the organization: Use 1Gi or less.' }
      ]
    }
  },
  "policies.remove": {},
  "policies.test": {
    request: { expression: values.policy.expression, spec: values.spec },
    answer: { findings: [] }
  },
  "webhooks.list": { answer: [values.webhook] },
  "webhooks.create": {
    request: { url: "https://example.com/hooks", types: ["deployment.*"], description: "Chat" },
    answer: values.newWebhook
  },
  "webhooks.get": { answer: values.webhook },
  "webhooks.change": {
    request: { state: "disabled" },
    answer: { ...values.webhook, state: "disabled", disabledBecause: "member" }
  },
  "webhooks.delete": {},
  "webhooks.rotateSecret": { request: { overlapSeconds: 3600 }, answer: values.newWebhook },
  "webhooks.test": { answer: { ...values.delivery, type: "webhook.test", state: "pending", finishedAt: null } },
  "webhooks.deliveries": { answer: [values.delivery] },
  "webhooks.redeliver": { answer: { ...values.delivery, state: "pending", attempts: 2, finishedAt: null } },
  "registries.list": { answer: [values.registry] },
  "registries.login": {
    request: { username: "acme-bot", password: "a token of the registry" },
    answer: values.registry
  },
  "registries.logout": {},
  "registryTokens.issue": { answer: values.registryToken },
  "registryKeys.get": { answer: values.registryKeys },
  "signIn.register": { request: { email: "ada@example.com", organization: "acme" }, answer: values.mailed },
  "signIn.acceptInvite": sessionOf({ token: "mci_0123456789abcdef0123456789abcdef" }),
  "signIn.verify": { request: { token: "mcv_0123456789abcdef0123456789abcdef" }, answer: values.user },
  "signIn.startDevice": { request: { clientName: "maxcloud on ada-laptop" }, answer: values.deviceCodes },
  "signIn.pollDevice": {
    request: { deviceCode: values.deviceCodes.deviceCode },
    answer: { state: "pending", intervalSeconds: 5 }
  },
  "auth.status": { answer: values.authStatus },
  "auth.signOut": {},
  "auth.switchOrganization": sessionOf({ organization: "acme" }),
  "auth.resendVerification": {},
  "auth.apiKeys": { answer: [values.apiKey] },
  "auth.createApiKey": {
    request: { name: "ci", role: "deployer", scopes: ["deploy:shop/production"], expiresInSeconds: 31_536_000 },
    answer: values.newApiKey
  },
  "auth.rotateApiKey": { request: { overlapSeconds: 3600 }, answer: values.newApiKey },
  "auth.deleteApiKey": {},
  "auth.invites": { answer: [values.invite] },
  "auth.createInvite": { request: { email: "grace@example.com", role: "deployer" }, answer: values.invite },
  "auth.revokeInvite": {},
  "auth.oidcTrusts": { answer: [values.trust] },
  "auth.createOidcTrust": {
    request: { name: "github", issuer: values.trust.issuer, claims: values.trust.claims, scopes: ["deploy:shop/*"] },
    answer: values.trust
  },
  "auth.deleteOidcTrust": {},
  "organization.get": { answer: values.organization },
  "organization.change": { request: { displayName: "Acme GmbH" }, answer: values.organization },
  "organization.members": { answer: [values.member] },
  "organization.removeMember": {},
  "organization.changeMember": { request: { role: "admin" }, answer: { ...values.member, role: "admin" } },
  "organization.export": { answer: '{"table":"services","row":{"name":"web"}}\n' },
  "organization.delete": { request: { name: "acme", graceDays: 30 }, answer: values.deletion },
  "organization.cancelDeletion": {},
  "account.createOrganization": sessionOf({ organization: "acme" }),
  "account.export": { answer: '{"table":"users","row":{"email":"ada@example.com"}}\n' },
  "account.delete": { answer: { ...values.certificate, subject: { type: "person", id: values.userId } } },
  "erasures.get": { answer: values.certificate },
  "audit.list": { answer: [values.auditEntry] },
  "audit.export": { answer: `${JSON.stringify(values.auditEntry)}\n` }
}

const pascal = (id: string) => id.charAt(0).toUpperCase() + id.slice(1)

/** The name of an operation's example in the components. Equal examples share a name. */
const made = new Map<string, string>()
const named = (id: string, value: unknown): string | undefined => {
  if (value === undefined) return undefined
  const content = JSON.stringify(value)
  const name = made.get(content) ?? pascal(id)
  made.set(content, name)
  return name
}
const requests = new Map<OperationName, string | undefined>()
const answers = new Map<OperationName, string | undefined>()
for (const { name, row } of operations) {
  requests.set(name, named(`${row.id}Request`, exampleOf[name].request))
  answers.set(name, named(`${row.id}Answer`, exampleOf[name].answer))
}

export const requestExample = (name: OperationName) => requests.get(name)
export const answerExample = (name: OperationName) => answers.get(name)

/** All body examples, by name. */
export const examples = (): Readonly<Record<string, { readonly value: unknown }>> =>
  Object.fromEntries([...made].map(([content, name]) => [name, { value: JSON.parse(content) }]))

/** The prefix of a service's id, such as `svc_`. */
const kindOf = (id: string) => id.slice(0, id.search(/[_:]/) + 1)

const byName: Readonly<Record<string, unknown>> = {
  app: "shop",
  stage: "production",
  org: "acme",
  name: "DATABASE_URL",
  number: 12,
  host: "ghcr.io"
}

/** An example for a path parameter: for an id one of its kind, else by its name. */
export const parameterExamples = (name: string, { pattern }: Json): unknown => {
  const ofKind = values.ids.find((id) => typeof pattern === "string" && pattern.startsWith(`^${kindOf(id)}`))
  return byName[name] ?? ofKind
}
