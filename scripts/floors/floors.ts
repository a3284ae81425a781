/**
 * The folders of `server/src`, from the ground up. A folder imports only from folders before it in this list:
 * from lower floors, and from earlier rooms on its own floor.
 */
export interface Floor {
  readonly name: string
  readonly about: string
  /** Empty if the floor is one room. */
  readonly rooms: ReadonlyArray<{ readonly name: string; readonly about: string }>
}

const floor = (name: string, about: string, rooms: Readonly<Record<string, string>> = {}): Floor => ({
  name,
  about,
  rooms: Object.entries(rooms).map(([room, text]) => ({ name: room, about: text }))
})

export const floors: ReadonlyArray<Floor> = [
  floor("base", "what every part needs", {
    node: "guarded callbacks, clocks and sockets of Node itself",
    host: "processes, users and faults of this machine",
    pages: "HTML, problem documents and the reader's language",
    words: "types that every floor uses: organization, request id, target",
    proxy: "HTTP/1.1 and HTTP/2 between callers and services",
    settings: "the server's settings, and their reference",
    telemetry: "logs, traces and metrics",
    disk: "how full the disk is, and which requests that refuses",
    postgres: "the embedded Postgres, and what its errors mean",
    database: "connections, migrations, row security",
    keys: "master keys, and the data keys that they wrap",
    replicas: "which server looks after which organization",
    outbound: "the server's own requests, through a proxy if one is set"
  }),
  floor("tenancy", "who may do what, and how much", {
    mail: "the outbox, Resend, SMTP",
    organizations: "the tenants",
    events: "events, for readers and webhooks",
    limits: "rate limits and quotas",
    access: "callers, roles and the policy table",
    repeats: "stored responses to requests with an idempotency key",
    audit: "the hash chain, its checkpoints, its export",
    policies: "rules of an organization for its apps, in CEL",
    identity: "accounts, sessions, members, invites, API keys, OIDC trusts",
    webhooks: "delivery of events to tenants' URLs"
  }),
  floor("stores", "what tenants upload, and what their services write", {
    secrets: "encrypted secrets, and secrets of an external store",
    images: "tags, pulls, registries and their credentials",
    registry: "tokens for the platform's own registry",
    sources: "source snapshots, and their builds",
    logs: "stored log lines"
  }),
  floor("runtimes", "where services run", {
    port: "the interfaces of a runtime: Runtime, Platform, NetworkVerifier",
    kubeApi: "the client of the Kubernetes API",
    network: "probes of what a cluster's network lets through",
    diagnosis: "the explanations of faults, for both runtimes",
    local: "processes and containers on this machine",
    kubernetes: "Knative on a cluster",
    choose: "the table of runtimes, and the choice of one"
  }),
  floor("control", "deployments, and keeping them as declared", {
    drift: "what others changed on the cluster",
    retention: "how long data is kept",
    deployments: "plans, deployments, the work queue, the reconciler",
    privacy: "export, deletion, erasure",
    services: "statuses, pauses, restarts",
    usage: "what services used",
    serviceEvents: "what the runtime observes, as events"
  }),
  floor("operator", "commands for the operator", {
    builds: "images from sources, without a server",
    backup: "backup, restore, verification",
    cluster: "installation on a cluster, and its check",
    commands: "quotas, audit, caches",
    check: "is the data intact?",
    readiness: "can this server do its work?"
  }),
  floor("edge", "everything that receives requests", {
    local: "the owner of this machine",
    http: "access modes, routes, problems, slow callers",
    gateway: "the authorizer for Envoy",
    exec: "programs that members run in instances, and connections to their ports",
    pages: "sign-in, devices, links",
    api: "the gate and the handlers"
  }),
  floor("assembly", "the complete server, and `embedded()`")
]

/** Rooms from the ground up, as paths below `server/src`. */
export const rooms: ReadonlyArray<string> = floors.flatMap(({ name, rooms }) =>
  rooms.length === 0 ? [name] : rooms.map((room) => `${name}/${room.name}`)
)
