import { describe, expect, it } from "@effect/vitest"
import type { DiagnosisCode } from "@maxcloud/sdk/api"
import {
  ago,
  condition,
  evidence,
  knativeRevision,
  knativeService,
  now,
  pod,
  warning
} from "../../../../test/kubernetes/testObjects.ts"
import { startCodeOf } from "../../diagnosis/startDiagnosis.ts"
import { candidatePorts, portsInLog } from "./candidatePorts.ts"
import { diagnose } from "./diagnose.ts"
import type { Evidence, Finding } from "./Evidence.ts"
import { portAnswer, spokenIn } from "./gather.ts"
import { imageCodeOf } from "./imageCause.ts"
import { refusalCodeOf } from "./refusalCause.ts"

const ended = (exitCode: number, more: Readonly<Record<string, unknown>> = {}) => ({
  terminated: {
    exitCode,
    reason: exitCode === 0 ? "Completed" : "Error",
    startedAt: ago(11),
    finishedAt: ago(10),
    ...more
  }
})
const backOff = { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } }
const log = (lines: ReadonlyArray<string> = []): Evidence["findings"] =>
  new Map<string, Finding>([
    ["uid-pod/log/again", { kind: "log", lines }],
    ["uid-pod/log/first", { kind: "log", lines }]
  ])
const digest = `sha256:${"40140340450".repeat(5)}`

interface Case {
  readonly what: string
  readonly evidence: Partial<Evidence> & Parameters<typeof evidence>[0]
  readonly code: DiagnosisCode | undefined
  readonly terminal: boolean
  /** Expected of a diagnosis that isn't terminal. @default false */
  readonly certain?: boolean
  readonly message?: RegExp
}

const running = (seconds: number) => pod({ age: seconds + 1, state: { running: { startedAt: ago(seconds) } } })
const look = (declared: "open" | "closed", other?: number, status?: number): Finding => ({
  kind: "ports",
  declared: { state: declared, status, body: "" },
  other,
  named: undefined,
  lines: []
})
const silent: Finding = {
  kind: "ports",
  declared: { state: "silent", status: undefined, body: "" },
  other: undefined,
  named: undefined,
  lines: []
}
const looks = (...found: ReadonlyArray<Finding>): Evidence["findings"] =>
  new Map(found.map((value, index) => [`uid-pod/0/ports/${[4, 8, 13][index]}`, value]))
const probed = [knativeRevision([], { readinessProbe: { httpGet: { path: "/healthz", port: 8080 } } })]
const wasReady = { service: knativeService({ conditions: [condition("Ready", "True")], ready: "web-00001" }) }

/** A ready instance whose program exited three times, ten seconds ago for the last time. */
const exitedTenSecondsAgo = ({ readySince }: { readonly readySince: number }): Case["evidence"] => ({
  ...wasReady,
  revisions: [knativeRevision([condition("Ready", "True", "", "", readySince)])],
  pods: [pod({ ready: true, restartCount: 3, state: { running: { startedAt: ago(8) } }, lastState: ended(1) })],
  findings: log()
})

const refusedPull = { waiting: { reason: "ErrImagePull", message: "failed with status code 401 Unauthorized" } }

const cases: ReadonlyArray<Case> = [
  { what: "nothing yet", evidence: {}, code: undefined, terminal: false },
  {
    what: "a refused image pull",
    evidence: { pods: [pod({ state: { waiting: { reason: "ErrImagePull", message: `x@${digest}: not found` } } })] },
    code: "ImageNotFound",
    terminal: true
  },
  {
    what: "a registry that is briefly unreachable",
    evidence: {
      pods: [
        pod({
          age: 3,
          state: { waiting: { reason: "ErrImagePull", message: "dial tcp: connect: connection refused" } }
        })
      ]
    },
    code: "RegistryUnreachable",
    terminal: false
  },
  {
    what: "a registry that stays unreachable: retried until the deadline",
    evidence: {
      pods: [
        pod({ age: 12, state: { waiting: { reason: "ImagePullBackOff", message: 'Back-off pulling image "x"' } } })
      ],
      events: [warning("Failed", 'Failed to pull image "x": connection refused')]
    },
    code: "RegistryUnreachable",
    terminal: false
  },
  {
    what: "a refusal without credentials",
    evidence: { pods: [pod({ age: 3, state: refusedPull })] },
    code: "ImageUnauthorized",
    terminal: true
  },
  {
    what: "a refusal of a kubelet that may not know its credentials yet",
    evidence: { pods: [pod({ age: 3, pullSecret: "registries", state: refusedPull })] },
    code: "ImageUnauthorized",
    terminal: false
  },
  {
    what: "a refusal of the credentials",
    evidence: { pods: [pod({ age: 15, pullSecret: "registries", state: refusedPull })] },
    code: "ImageUnauthorized",
    terminal: true
  },
  {
    what: "one crash",
    evidence: { pods: [pod({ state: ended(3) })], findings: log() },
    code: "CrashOnStart",
    terminal: false,
    message: /exit code 3.*once so far/
  },
  {
    what: "two crashes, before its log is read",
    evidence: { pods: [pod({ restartCount: 1, state: ended(3), lastState: ended(3) })] },
    code: "CrashOnStart",
    terminal: false
  },
  {
    what: "two crashes",
    evidence: { pods: [pod({ restartCount: 1, state: backOff, lastState: ended(3) })], findings: log(["no database"]) },
    code: "CrashOnStart",
    terminal: false,
    certain: true,
    message: /exit code 3 1 s after its start, twice; its last line: no database/
  },
  {
    what: "a signal",
    evidence: { pods: [pod({ restartCount: 1, state: ended(139) })], findings: log() },
    code: "CrashOnStart",
    terminal: false,
    certain: true,
    message: /SIGSEGV/
  },
  {
    what: "an exit without an error",
    evidence: { pods: [pod({ restartCount: 1, state: ended(0) })], findings: log() },
    code: "ExitedOnStart",
    terminal: false,
    certain: true
  },
  {
    what: "out of memory",
    evidence: { pods: [pod({ restartCount: 1, state: ended(137, { reason: "OOMKilled" }) })], findings: log() },
    code: "OutOfMemory",
    terminal: false,
    certain: true,
    message: /512Mi/
  },
  {
    what: "the program's own words aren't the runtime's",
    evidence: {
      pods: [pod({ restartCount: 1, state: ended(1, { message: "open /data: permission denied" }) })],
      findings: log()
    },
    code: "CrashOnStart",
    terminal: false,
    certain: true
  },
  {
    what: "exit code 127",
    evidence: { pods: [pod({ restartCount: 1, state: ended(127) })], findings: log() },
    code: "CommandNotFound",
    terminal: true
  },
  {
    what: "exec format error",
    evidence: {
      pods: [pod({ restartCount: 1, state: ended(255, { message: "exec /app: exec format error" }) })],
      findings: log()
    },
    code: "WrongPlatform",
    terminal: true
  },
  {
    what: "a script whose interpreter is missing, or that has Windows line endings",
    evidence: {
      pods: [pod({ restartCount: 1, state: ended(255, { message: "exec /entry.sh: no such file or directory" }) })],
      findings: log()
    },
    code: "CommandNotFound",
    terminal: true,
    message: /"\/entry.sh", exists, but its interpreter/
  },
  {
    what: "a program for another processor inside a script",
    evidence: {
      pods: [
        pod({
          restartCount: 1,
          state: ended(126, { message: "/run.sh: line 3: /app: cannot execute binary file: Exec format error" })
        })
      ],
      findings: log()
    },
    code: "WrongPlatform",
    terminal: true
  },
  { what: "a start in progress", evidence: { pods: [running(2)] }, code: undefined, terminal: false },
  {
    what: "not listening yet",
    evidence: { pods: [running(5)], findings: looks(look("closed")) },
    code: "NotListening",
    terminal: false
  },
  {
    what: "another port, seen once",
    evidence: { pods: [running(5)], findings: looks(look("closed", 3000)) },
    code: "WrongPort",
    terminal: false
  },
  {
    what: "another port, seen twice",
    evidence: { pods: [running(9)], findings: looks(look("closed", 3000), look("closed", 3000)) },
    code: "WrongPort",
    terminal: false,
    certain: true,
    message: /3000, not on 8080/
  },
  {
    what: "listens by now",
    evidence: { pods: [running(9)], findings: looks(look("closed", 9090), look("open")) },
    code: undefined,
    terminal: false
  },
  {
    what: "a probe answered 404",
    evidence: {
      revisions: probed,
      pods: [running(14)],
      findings: looks(look("open", undefined, 404), look("open", undefined, 404), look("open", undefined, 404))
    },
    code: "ProbeFailing",
    terminal: false,
    certain: true,
    message: /GET \/healthz.*404/
  },
  {
    what: "a probe answered 503",
    evidence: {
      revisions: probed,
      pods: [running(14)],
      findings: looks(look("open", undefined, 503), look("open", undefined, 503), look("open", undefined, 503))
    },
    code: "ProbeFailing",
    terminal: false
  },
  {
    what: "a probe that hangs",
    evidence: { revisions: probed, pods: [running(5)], findings: looks(silent) },
    code: "ProbeFailing",
    terminal: false,
    message: /GET \/healthz on port 8080 got no answer within 1.5 s/
  },
  {
    what: "a probe that hangs twice",
    evidence: { revisions: probed, pods: [running(9)], findings: looks(silent, silent) },
    code: "ProbeFailing",
    terminal: false,
    certain: true
  },
  {
    what: "a program that takes its time for a request, without a probe by HTTP",
    evidence: { pods: [running(9)], findings: looks(silent, silent) },
    code: undefined,
    terminal: false
  },
  {
    what: "an unreachable webhook",
    evidence: {
      revisions: [
        knativeRevision([
          condition("ResourcesAvailable", "False", "FailedCreate", 'failed calling webhook "x": connection refused')
        ])
      ]
    },
    code: "AdmissionRefused",
    terminal: false,
    certain: true
  },
  {
    what: "no room, briefly",
    evidence: {
      pods: [
        pod({
          conditions: [
            condition("PodScheduled", "False", "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.", 2)
          ]
        })
      ]
    },
    code: "Unschedulable",
    terminal: false
  },
  {
    what: "no room",
    evidence: {
      pods: [
        pod({
          conditions: [
            condition("PodScheduled", "False", "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.", 13)
          ],
          requests: { cpu: "250m", memory: "512Mi" }
        })
      ],
      findings: new Map([
        [
          "uid-pod/room",
          {
            kind: "room",
            free: {
              cpu: { node: "node-2", amount: 1500 },
              memory: { node: "node-1", amount: 300 * 2 ** 20 }
            }
          }
        ]
      ])
    },
    code: "Unschedulable",
    terminal: false,
    certain: true,
    message:
      /enough free memory: an instance asks for 0.275 CPU and 564Mi; the most that is free on a node is 1.5 CPU, and 300Mi on another$/
  },
  {
    what: "a mount that fails at first",
    evidence: {
      pods: [pod({ age: 6, state: { waiting: { reason: "ContainerCreating" } } })],
      events: [warning("FailedMount", "timed out")]
    },
    code: "VolumeFailed",
    terminal: false
  },
  {
    what: "a missing Secret file",
    evidence: {
      pods: [pod({ age: 13, state: { waiting: { reason: "ContainerCreating" } } })],
      events: [warning("FailedMount", 'MountVolume.SetUp failed for volume "s" : secret "s" not found')]
    },
    code: "SecretMissing",
    terminal: true
  },
  {
    what: "quota",
    evidence: {
      revisions: [
        knativeRevision([
          condition(
            "ResourcesAvailable",
            "False",
            "FailedCreate",
            'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
          )
        ])
      ]
    },
    code: "QuotaExceeded",
    terminal: false,
    certain: true,
    message: /needs pods=1, pods=2 are used, pods=2 are allowed/
  },
  {
    what: "a revision refused by a webhook",
    evidence: {
      revisions: [],
      service: knativeService({
        created: "",
        conditions: [
          condition("Ready", "False", "RevisionFailed"),
          condition(
            "ConfigurationsReady",
            "False",
            "RevisionFailed",
            'Revision creation failed with message: admission webhook "x" denied the request: no.'
          )
        ]
      })
    },
    code: "AdmissionRefused",
    terminal: true
  },
  {
    what: "the deadline, with the last finding",
    evidence: {
      revisions: [
        knativeRevision([
          condition("ResourcesAvailable", "False", "ProgressDeadlineExceeded", "Initial scale was never achieved")
        ])
      ],
      pods: [running(130)],
      findings: looks(look("closed"))
    },
    code: "NotListening",
    terminal: true
  },
  {
    what: "the deadline, when the pods are gone",
    evidence: {
      revisions: [
        knativeRevision([
          condition("ResourcesAvailable", "False", "ProgressDeadlineExceeded", "Initial scale was never achieved")
        ])
      ]
    },
    code: "ProgressDeadlineExceeded",
    terminal: true
  },
  {
    what: "a wake-up that crashes",
    evidence: {
      ...wasReady,
      revisions: [knativeRevision([condition("Active", "Unknown", "Queued")])],
      pods: [pod({ restartCount: 1, state: ended(1) })],
      findings: log(["no database"])
    },
    code: "WakeFailed",
    terminal: false,
    message: /couldn't start an instance.*no database/
  },
  {
    what: "a crash after it was ready",
    evidence: {
      ...wasReady,
      pods: [
        pod({
          restartCount: 2,
          state: backOff,
          lastState: ended(1),
          conditions: [condition("Ready", "False", "", "", 5)]
        })
      ],
      findings: log()
    },
    code: "CrashAfterReady",
    terminal: false
  },
  {
    what: "crashes before it was ready for the first time",
    evidence: exitedTenSecondsAgo({ readySince: 5 }),
    code: undefined,
    terminal: false
  },
  {
    what: "crashes since it was ready",
    evidence: exitedTenSecondsAgo({ readySince: 60 }),
    code: "CrashAfterReady",
    terminal: false
  },
  {
    what: "an idle service",
    evidence: { ...wasReady, revisions: [knativeRevision([condition("Active", "False", "NoTraffic")])] },
    code: undefined,
    terminal: false
  },
  {
    what: "an ingress that doesn't become ready",
    evidence: {
      service: knativeService({
        ready: "web-00001",
        conditions: [
          condition("Ready", "Unknown", "IngressNotConfigured", "", 200),
          condition("RoutesReady", "Unknown", "IngressNotConfigured", "", 200)
        ]
      }),
      pods: [pod({ ready: true })]
    },
    code: "IngressNotReady",
    terminal: true
  },
  {
    what: "a pending configuration: the newest revision belongs to the previous change",
    evidence: {
      service: knativeService({ conditions: [condition("ConfigurationsReady", "Unknown", "OutOfDate")] }),
      pods: [pod({ state: { waiting: { reason: "ErrImagePull", message: "not found" } } })]
    },
    code: undefined,
    terminal: false
  },
  {
    what: "stale: no verdict",
    evidence: {
      service: knativeService({ generation: 2, observed: 1 }),
      pods: [pod({ state: { waiting: { reason: "ErrImagePull", message: "not found" } } })]
    },
    code: undefined,
    terminal: false
  }
]

describe("diagnose", () => {
  it.each(cases)("$what: $code", ({ certain = false, code, evidence: input, message, terminal }) => {
    const verdict = diagnose(evidence(input))
    expect({ code: verdict.diagnosis?.code, terminal: verdict.terminal }).toEqual({ code, terminal })
    if (!terminal) expect(verdict.diagnosis?.certain ?? false).toBe(certain)
    if (message !== undefined) expect(verdict.diagnosis?.message).toMatch(message)
  })

  it("asks for another look when time alone decides", () => {
    expect(diagnose(evidence({ pods: [running(2)] })).lookAgainAt).toBe(now + 2_000)
    expect(diagnose(evidence({ pods: [running(5)] })).wants).toEqual([
      expect.objectContaining({ kind: "ports", port: 8080, key: "uid-pod/0/ports/4" })
    ])
  })
})

describe("messages", () => {
  it.each([
    [
      "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
      "ImageUnauthorized"
    ],
    [
      "failed to authorize: failed to fetch oauth token: unexpected status from GET request: 401 Unauthorized",
      "ImageUnauthorized"
    ],
    [
      `failed to resolve reference "127.0.0.1:40401/web@${digest}": 127.0.0.1:40401/web@${digest}: not found`,
      "ImageNotFound"
    ],
    ["no match for platform in manifest: not found", "WrongPlatform"],
    [
      "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:aa from remote: not found",
      "ImageLayersMissing"
    ],
    ["dial tcp: lookup registry.invalid: no such host", "RegistryUnreachable"],
    ["tls: failed to verify certificate: x509: certificate signed by unknown authority", "RegistryUntrusted"],
    ["x509: certificate has expired or is not yet valid: current time", "RegistryUntrusted"],
    ["net/http: TLS handshake timeout; tls: internal error", "RegistryUnreachable"],
    ["429 Too Many Requests - Server message: toomanyrequests", "RegistryUnreachable"],
    ["MANIFEST_UNKNOWN: manifest unknown", "ImageNotFound"],
    ["InvalidImageName: couldn't parse image reference", "ImageInvalid"]
  ])("of a pull: %s", (message, code) => expect(imageCodeOf(message)).toBe(code))

  it.each([
    ['exec: "/x": stat /x: no such file or directory: unknown', "CommandNotFound"],
    ['exec: "x": executable file not found in $PATH: unknown', "CommandNotFound"],
    ['exec: "/x": permission denied: unknown', "CommandNotExecutable"],
    ["unable to find user ghost: no matching entries in passwd file", "UserUnknown"],
    ["container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root", "UserUnknown"],
    ["container has runAsNonRoot and image will run as root", "RootRefused"],
    ["couldn't find key A in Secret acme/web", "SecretMissing"],
    ['no runtime for "runsc" is configured', "RuntimeClassMissing"],
    ["something else", undefined]
  ])("of a start: %s", (message, code) => expect(startCodeOf(message)).toBe(code))

  it.each([
    ['pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi', "LimitExceeded"],
    ['pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true', "PodSecurityRefused"],
    ['pod rejected: RuntimeClass "gvisor" not found', "RuntimeClassMissing"],
    ['admission webhook "x" denied the request: no', "AdmissionRefused"]
  ])("of a refusal: %s", (message, code) => expect(refusalCodeOf(message)).toBe(code))
})

describe("ports", () => {
  it("are found in programs' output", () => {
    const read = (line: string) => portsInLog([line])[0]
    expect(read("2026/11/30 13:05:16 starting")).toBeUndefined()
    expect(read("13:05:16 listening on :3000")).toBe(3000)
    expect(read("listening on :3000")).toBe(3000)
    expect(read("  ➜  Local:   http://localhost:5173/")).toBe(5173)
    expect(read("Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)")).toBe(8000)
    expect(read("Tomcat started on port 8081 (http) with context path '/'")).toBe(8081)
    expect(read("Server ready at port 4000")).toBe(4000)
    expect(read("nothing to see")).toBeUndefined()
  })

  it("are tried in order of likelihood, without Knative's own", () => {
    const ports = candidatePorts(8080, ["listening on :47123"])
    expect(ports[0]).toBe(47123)
    expect(ports).toContain(3000)
    for (const port of [8080, 8012, 8022, 9090, 9091]) expect(ports).not.toContain(port)
    expect(ports.length).toBeGreaterThan(150)
  })

  it("count as open if anything answers", () => {
    const refused = "error trying to reach service: dial tcp 10.0.0.1:80: connect: connection refused"
    expect(portAnswer(503, refused).state).toBe("closed")
    expect(portAnswer(503, "error trying to reach service: dial tcp 10.0.0.1:80: i/o timeout").state).toBe("unknown")
    expect(portAnswer(503, "error trying to reach service: malformed HTTP response").state).toBe("open")
    expect(portAnswer(500, "oh no")).toEqual({ state: "open", status: 500, body: "oh no" })
  })
})

describe("the protocol of a ready program", () => {
  const readyFor = (seconds: number, protocol: string, findings: Evidence["findings"] = new Map()) =>
    diagnose(
      evidence({
        ...wasReady,
        revisions: [
          knativeRevision([condition("Ready", "True", "", "", seconds)], {
            ports: [{ name: protocol, containerPort: 8080 }]
          })
        ],
        pods: [pod({ ready: true, state: { running: { startedAt: ago(seconds) } } })],
        findings
      })
    )
  const found = (speaks: "http1" | "h2c" | "closed" | undefined, failed?: string): Evidence["findings"] =>
    new Map([["uid-web-00001/protocol/0", { kind: "protocol", speaks, failed }]])

  it("is asked once it is ready, and not long afterwards", () => {
    expect(readyFor(1, "http1").wants).toMatchObject([
      { kind: "protocol", key: "uid-web-00001/protocol/0", port: 8080 }
    ])
    expect(readyFor(601, "http1").wants).toEqual([])
  })

  it("is HTTP/2 only, where requests arrive as HTTP/1.1", () => {
    expect(readyFor(1, "http1", found("h2c"))).toMatchObject({
      diagnosis: { code: "WrongProtocol", fix: expect.stringContaining('`protocol: "h2c"`'), certain: true },
      terminal: false,
      degraded: false
    })
  })

  it("is HTTP/1.1 only, where requests arrive as HTTP/2", () => {
    const log =
      '"error reverse proxying request: http2: frame too large, note that the frame header looked like an HTTP/1.1 header"'
    expect(readyFor(1, "h2c", found("http1", log))).toMatchObject({
      diagnosis: { code: "WrongProtocol", fix: expect.stringContaining("Remove"), evidence: [log] },
      terminal: false
    })
  })

  it("may be HTTP/2 only if the program closes connections, twice", () => {
    const twice: Evidence["findings"] = new Map([
      ...found("closed"),
      ["uid-web-00001/protocol/10", { kind: "protocol", speaks: "closed", failed: undefined }]
    ])
    expect(readyFor(11, "http1", found("closed"))).toMatchObject({ diagnosis: null, wants: [{ kind: "protocol" }] })
    expect(readyFor(11, "http1", twice)).toMatchObject({ diagnosis: { code: "WrongProtocol", certain: false } })
  })

  it("is right if the program answers, and is then not asked again", () => {
    const right = readyFor(11, "http1", found("http1"))
    expect(right).toMatchObject({ diagnosis: null, wants: [], lookAgainAt: undefined })
    // A server may speak both: without a failed request, HTTP/1.1 says nothing about HTTP/2.
    expect(readyFor(11, "h2c", found("http1"))).toMatchObject({ diagnosis: null, wants: [{ kind: "protocol" }] })
  })

  it("is read from the API server's answer", () => {
    const malformed = (text: string) =>
      `error trying to reach service: net/http: HTTP/1.x transport connection broken: malformed HTTP response ${text}`
    expect(spokenIn(503, malformed(String.raw`"\x00\x00\x06\x04\x00"`))).toBe("h2c")
    expect(spokenIn(503, malformed(String.raw`\"\\x00\\x00\\x18\\x04\\x00`))).toBe("h2c")
    expect(spokenIn(503, malformed(`"SSH-2.0-OpenSSH_9"`))).toBeUndefined()
    expect(spokenIn(404, "not found")).toBe("http1")
    expect(spokenIn(503, "error trying to reach service: EOF")).toBe("closed")
    expect(
      spokenIn(503, "error trying to reach service: read tcp 10.0.0.1:1->10.0.0.2:2: read: connection reset by peer")
    ).toBe("closed")
    expect(spokenIn(503, "error trying to reach service: dial tcp 10.0.0.1:80: i/o timeout")).toBeUndefined()
  })
})

describe("a program that doesn't listen", () => {
  it("is asked two seconds after its start, so that it's told within five", () => {
    const [want] = diagnose(evidence({ pods: [running(2)] })).wants
    expect(want).toMatchObject({ kind: "ports", key: "uid-pod/0/ports/2" })
    const closed = new Map([["uid-pod/0/ports/2", look("closed")]])
    expect(diagnose(evidence({ pods: [running(3)], findings: closed }))).toMatchObject({
      diagnosis: { code: "NotListening", certain: false },
      terminal: false
    })
  })
})

describe("a rule that waits", () => {
  const ingress = {
    service: knativeService({
      conditions: [condition("Ready", "Unknown"), condition("RoutesReady", "Unknown", "IngressNotConfigured", "", 700)],
      ready: "web-00001"
    }),
    revisions: [knativeRevision([condition("Ready", "True", "", "", 700)])]
  }

  it("gives the ingress up after two minutes", () => {
    expect(diagnose(evidence(ingress))).toMatchObject({ diagnosis: { code: "IngressNotReady" }, terminal: true })
  })

  it("doesn't count an outage of the cluster", () => {
    const away = evidence({ ...ingress, awaySince: () => 600_000 })
    expect(diagnose(away)).toMatchObject({ terminal: false, lookAgainAt: now - 700_000 + 600_000 + 120_000 })
  })
})
