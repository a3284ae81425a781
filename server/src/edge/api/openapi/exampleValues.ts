/** Example values of one small organization, for answers and requests. A test decodes each with the schema of its operation. */

const hex = (digits: string) => `0198f3d29c7b7a01b2c3d4e5f6a7b8${digits}`
export const serviceId = `svc_${hex("01")}`
export const deploymentId = `dep_${hex("02")}`
export const userId = `usr_${hex("03")}`
const organizationId = `org_${hex("04")}`
export const keyId = `key_${hex("05")}`
const inviteId = `inv_${hex("06")}`
const trustId = `oidc_${hex("07")}`
export const webhookId = `whk_${hex("08")}`
const deliveryId = `dlv_${hex("09")}`
const eventId = `evt_${hex("0a")}`
export const certificateId = `era_${hex("0b")}`
export const sourceDigest = `sha256:${"5d41402abc4b2a76".repeat(4)}`
const imageDigest = `sha256:${"9f86d081884c7d65".repeat(4)}`

/** One id of each kind that appears in paths. */
export const ids = [
  serviceId,
  deploymentId,
  userId,
  keyId,
  inviteId,
  trustId,
  webhookId,
  deliveryId,
  certificateId,
  sourceDigest
]

const at = "2026-03-01T09:30:00.000Z"
const later = "2026-03-01T09:30:12.500Z"
const nextYear = "2027-03-01T09:30:00.000Z"
const place = { app: "shop", stage: "production" }

/** An app as declared in a request. */
export const spec = {
  app: "shop",
  services: [
    {
      name: "web",
      image: "ghcr.io/acme/web:1.4.2",
      port: 3000,
      env: { LOG_LEVEL: "info", DATABASE_URL: { secret: "DATABASE_URL" } },
      scale: { min: 0, max: 5 }
    }
  ]
}

const [declared] = spec.services

const condition = { type: "Ready", status: "true", reason: null, message: null, changedAt: later }

export const service = {
  id: serviceId,
  name: "web",
  ...place,
  organization: "acme",
  spec: declared,
  status: {
    state: "ready",
    url: "https://web--shop--acme.example.com",
    digest: imageDigest,
    conditions: [condition],
    latestCreatedRevision: "web-00003",
    latestReadyRevision: "web-00003",
    traffic: [{ revision: "web-00003", percent: 100 }],
    diagnosis: null,
    instances: 1
  },
  deployment: 12,
  suspension: null,
  createdAt: at,
  updatedAt: later
}

export const pausedService = { ...service, status: { ...service.status, state: "paused", instances: 0 } }

export const revision = {
  name: "web-00003",
  service: "web",
  ready: "true",
  reason: null,
  message: null,
  image: "ghcr.io/acme/web:1.4.2",
  instances: 1,
  trafficPercent: 100,
  createdAt: at
}

export const logEntry = {
  cursor: "3-20480",
  at,
  service: "web",
  revision: "web-00003",
  instance: "web-00003-deployment-6f7c",
  stream: "stdout",
  line: "listening on port 3000",
  truncated: false
}

const author = { type: "person", id: userId, name: "ada@example.com" }

export const deployment = {
  id: deploymentId,
  ...place,
  number: 12,
  kind: "deploy",
  fromDeployment: null,
  createdBy: { type: "apiKey", id: keyId, name: "ci" },
  message: "Raise the limit of orders",
  metadata: { commit: "3f2a1bc", branch: "main" },
  status: { state: "running", reason: "Running", message: "Deploying" },
  services: [
    {
      name: "web",
      action: "update",
      state: "pending",
      revision: "web-00003",
      image: `ghcr.io/acme/web@${imageDigest}`,
      url: "https://web--shop--acme.example.com",
      reason: "Deploying",
      message: "The new revision's instances are starting.",
      logTail: [],
      diagnosis: null
    }
  ],
  warnings: [],
  createdAt: at,
  startedAt: at,
  finishedAt: null
}

export const cancelledDeployment = {
  ...deployment,
  status: { state: "cancelled", reason: "Cancelled", message: "Somebody ended it." },
  finishedAt: later
}

export const planId = `plan_12_1f3a9c0d_${"5d41402abc4b2a76".repeat(4)}`
export const plan = {
  id: planId,
  basedOn: 12,
  ...place,
  changes: [
    {
      service: "web",
      action: "update",
      fields: [{ path: "image", before: '"ghcr.io/acme/web:1.4.1"', after: '"ghcr.io/acme/web:1.4.2"' }]
    }
  ],
  problems: [],
  warnings: [],
  platform: [],
  images: { "ghcr.io/acme/web:1.4.2": `ghcr.io/acme/web@${imageDigest}` },
  secretVersions: { DATABASE_URL: 3 },
  manifests: null
}

export const appStage = { ...place, services: 1, deployment }
export const deploymentSpec = {
  spec,
  secretVersions: { DATABASE_URL: 3 },
  images: { "ghcr.io/acme/web:1.4.2": imageDigest }
}
export const secret = { name: "DATABASE_URL", version: 3, updatedAt: at }
export const secretVersion = {
  version: 3,
  createdAt: at,
  createdBy: author,
  current: true,
  deployments: [11, 12]
}
export const drift = {
  ...place,
  apiVersion: "serving.knative.dev/v1",
  kind: "Service",
  name: "web",
  change: "edited",
  manager: "kubectl-edit",
  fields: ["spec.template.spec.containers[user-container].image"],
  noticedAt: at,
  healedAt: later
}
export const leftAlone = {
  fields: [
    {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      name: "web",
      path: "metadata.annotations[example.com/owner]",
      manager: "kubectl-edit",
      since: at
    }
  ],
  complete: true
}
export const suspension = {
  since: at,
  until: later,
  reason: "Hotfix of the pool size",
  createdBy: { type: "person", id: userId, name: "ada@example.com" }
}
export const networkReport = {
  ...place,
  probes: [{ from: "web", to: "api", by: "url", expected: "allowed", actual: "allowed", detail: "HTTP 200" }],
  differences: 0
}
export const usage = {
  since: at,
  until: later,
  services: [
    {
      ...place,
      service: "web",
      instances: 2,
      running: 1,
      instanceSeconds: 3600,
      cpuSeconds: 3600,
      memoryGibSeconds: 1800
    }
  ]
}
export const event = {
  specversion: "1.0",
  id: eventId,
  source: `/organizations/${organizationId}`,
  type: "member.added",
  subject: `members/${userId}`,
  time: at,
  datacontenttype: "application/json",
  sequence: "812",
  data: { userId, role: "deployer" }
}
export const policy = {
  name: "max-memory",
  expression: "service.memoryBytes <= 1073741824",
  message: "Use 1Gi or less.",
  enforcement: "refuse",
  createdAt: at,
  updatedAt: later
}
export const webhook = {
  id: webhookId,
  url: "https://example.com/hooks",
  types: ["deployment.*"],
  description: "Chat",
  state: "enabled",
  disabledBecause: null,
  failingSince: null,
  createdAt: at
}
export const newWebhook = { webhook, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }
export const delivery = {
  id: deliveryId,
  event: eventId,
  type: "deployment.succeeded",
  state: "delivered",
  attempts: 1,
  lastStatus: 204,
  lastError: null,
  lastAnswer: null,
  nextAttemptAt: null,
  createdAt: at,
  finishedAt: later
}
export const registry = { host: "ghcr.io", username: "acme-bot", updatedAt: at }
export const user = { id: userId, email: "ada@example.com", verified: true }
export const session = {
  token: "mcs_0123456789abcdef0123456789abcdef",
  expiresAt: nextYear,
  organization: "acme",
  role: "owner",
  user
}
export const mailed = { state: "mailed", email: "ada@example.com" }
export const deviceCodes = {
  deviceCode: "mcd_0123456789abcdef0123456789abcdef",
  userCode: "BCDF-GHJK",
  verificationUri: "https://cloud.example.com/auth/device",
  verificationUriComplete: "https://cloud.example.com/auth/device?code=BCDF-GHJK",
  expiresInSeconds: 900,
  intervalSeconds: 5
}
export const authStatus = {
  organization: "acme",
  role: "owner",
  credential: { type: "session", id: `ses_${hex("0c")}`, name: null, scopes: null, expiresAt: nextYear },
  user,
  organizations: [{ name: "acme", role: "owner" }]
}
export const apiKey = {
  id: keyId,
  name: "ci",
  prefix: "mck_0123",
  role: "deployer",
  scopes: ["deploy:shop/production"],
  createdAt: at,
  createdBy: author,
  lastUsedAt: later,
  expiresAt: nextYear,
  replacedBy: null,
  createdWith: null
}
export const newApiKey = { apiKey, secret: "mck_0123456789abcdef0123456789abcdef" }
export const invite = {
  id: inviteId,
  email: "grace@example.com",
  role: "deployer",
  state: "open",
  createdAt: at,
  createdBy: author,
  expiresAt: nextYear
}
export const trust = {
  id: trustId,
  name: "github",
  issuer: "https://token.actions.githubusercontent.com",
  audience: "maxcloud/acme",
  claims: { repository: "acme/shop", ref: "refs/heads/main" },
  role: "deployer",
  scopes: ["deploy:shop/*"],
  createdAt: at,
  lastUsedAt: null,
  createdBy: author,
  effectiveRole: "deployer",
  limitedBecause: null
}
export const organization = {
  id: organizationId,
  name: "acme",
  displayName: "Acme GmbH",
  createdAt: at,
  deleteAfter: null,
  quotas: {
    services: 50,
    instances: 100,
    cpuMilli: 64_000,
    memoryBytes: 68_719_476_736,
    deploymentsPerHour: 200,
    sourceBytes: 1_073_741_824,
    logBytes: null,
    streams: 100
  },
  use: {
    services: 1,
    instances: 5,
    cpuMilli: 5000,
    memoryBytes: 2_684_354_560,
    deploymentsPerHour: 1,
    sourceBytes: 0,
    logBytes: 20_480,
    streams: 0
  }
}
export const member = { userId, email: "ada@example.com", role: "owner", verified: true, joinedAt: at }
export const deletion = { deleteAfter: nextYear, certificateId }
export const certificate = {
  id: certificateId,
  subject: { type: "organization", id: organizationId },
  requestedAt: at,
  erasedAt: later,
  stores: [{ store: "database", action: "rows deleted", count: 128 }],
  signature: "pZ6yxJ0cSx0…",
  keyId: "3b1c"
}
export const auditEntry = {
  sequence: 4711,
  at,
  action: "apps.deploy",
  outcome: "succeeded",
  status: 202,
  actor: { type: "key", id: keyId, credentialId: keyId, email: null, address: "203.0.113.7" },
  subject: "apps/shop/stages/production",
  beforeDigest: null,
  afterDigest: null,
  requestId: "4f0c5e9a",
  hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
}
export const serverInfo = {
  version: "1.0.0",
  minimumClient: "1.0.0",
  features: ["idempotency", "organizations", "plans", "policies", "webhooks"],
  runtime: "kubernetes",
  organization: "acme",
  organizationId,
  inPlace: false,
  registry: "registry.example.com",
  platforms: ["linux/amd64"],
  secretStore: null
}
export const registryToken = {
  token: "eyJhbGciOiJFUzI1NiIs…",
  access_token: "eyJhbGciOiJFUzI1NiIs…",
  expires_in: 3600,
  issued_at: "2026-07-01T09:30:00.000Z"
}
export const registryKeys = {
  keys: [
    {
      kty: "EC",
      crv: "P-256",
      x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
      kid: "DHY5:ZM2K:TBYN:Q6RM:LRIB:EQJ5:6K5J:Q6XW:QGIM:3NJU:44YU:UOL6",
      alg: "ES256",
      use: "sig",
      x5c: ["MIIBMzCB26ADAgECAgEB…"]
    }
  ]
}
export const readiness = { status: "ready", checks: [{ name: "database", ok: true, message: null }] }
