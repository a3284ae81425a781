/**
 * Sends requests that schemathesis generates from `/api/openapi.json` to a new server: without a credential, with invented ones, as an
 * organization that requests another's objects, and as that other one. Every response must match the document, and none may be a 5xx.
 * No response may contain another organization's data, and no request may change them.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../server/test/freePort.ts"
import { residentBytes, ServerProcess } from "../server/test/serverProcess.ts"
import { documentFor, operationsOf, parseDocument } from "./fuzz/document.ts"
import { everythingOf, furnish, register } from "./fuzz/organizations.ts"
import { type Recorded, recordingProxy } from "./fuzz/recordingProxy.ts"
import { installSchemathesis, type Pass, runSchemathesis } from "./fuzz/schemathesis.ts"

/** Operations that revoke the caller's credential or delete the organization. Each runs with a throwaway one. */
const destructive = ["signOut", "deleteOrganization", "cancelOrganizationDeletion", "deleteAccount"]
const conformance = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method"
]
const signedIn = [...conformance, "negative_data_rejection", "ignored_auth", "use_after_free"]
const mostBytes = 1024 ** 3

const cache = join(import.meta.dirname, "../node_modules/.cache/fuzz")
mkdirSync(cache, { recursive: true })
const program = installSchemathesis(cache)
if (program === undefined) process.exit(1)

const seed = Number(process.argv[2] ?? Math.floor(Math.random() * 2 ** 32))
if (!Number.isSafeInteger(seed)) throw new Error(`"${process.argv[2]}" isn't a valid seed. Use a whole number.`)
console.log(`fuzz: seed ${seed} (npm run test:fuzz -- ${seed} repeats this run)`)

const { KUBECONFIG: _, ...environment } = process.env
process.env = environment
const server = new ServerProcess(await freePort(), {
  MAXCLOUD_AUTH: "required",
  MAXCLOUD_MAIL: "log",
  MAXCLOUD_REGISTRATION: "open",
  MAXCLOUD_RATE_LIMIT: "1000000",
  MAXCLOUD_RUNTIME: "local",
  MAXCLOUD_TRUSTED_PROXIES: "127.0.0.1",
  // Images and issuers are invented, so requests to other machines go to a proxy that doesn't exist.
  NODE_USE_ENV_PROXY: "1",
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost"
})
const folder = mkdtempSync(join(tmpdir(), "maxcloud-fuzz-"))
let faults = 0
/** Prints findings at once, so that an interrupted run has printed its own. */
const fault = (text: string) => {
  faults++
  if (faults <= 40) console.error(`\nfuzz: ${text}\n`)
}
let requests = 0
const statuses = new Map<number, number>()
const reached = new Map<string, number>()
let proxy: Awaited<ReturnType<typeof recordingProxy>> | undefined

try {
  await server.start()
  proxy = await recordingProxy(server.url)
  const { take, url } = proxy
  const acme = await register(url, "acme")
  const rival = await register(url, "rival")
  const { organization: furnished, valueOf } = await furnish(url, acme)
  const document = parseDocument(await (await fetch(`${url}/api/openapi.json`)).json())
  const operations = operationsOf(document)
  const file = join(folder, "openapi.json")
  writeFileSync(file, documentFor(document, valueOf))
  take()

  const operationOf = ({ method, path }: Recorded) =>
    operations.find((operation) => operation.method === method && operation.matches.test(path.split("?", 1)[0] ?? ""))

  /** Runs a pass, and checks its responses with `judge`. */
  const run = async (name: string, pass: Partial<Pass>, judge: (answer: Recorded) => string | undefined) => {
    const { output, passed } = await runSchemathesis(program, {
      document: file,
      url,
      folder,
      seed,
      checks: conformance,
      phases: ["examples", "coverage", "fuzzing"],
      examples: 30,
      seconds: 60,
      ...pass
    })
    if (!passed) fault(`${name}: schemathesis found\n${output}`)
    const answers = take()
    for (const answer of answers) {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      const operation = operationOf(answer)
      if (operation !== undefined && answer.status < 300) {
        reached.set(operation.operationId, (reached.get(operation.operationId) ?? 0) + 1)
      }
      const wrong = answer.status >= 500 ? `a ${answer.status}` : judge(answer)
      if (wrong !== undefined) {
        fault(`${name}: ${answer.method} ${answer.path} ${answer.status}: ${wrong}\n${answer.body.slice(0, 500)}`)
      }
    }
    requests += answers.length
    console.log(`fuzz: ${name}: ${answers.length} requests`)
  }
  const foreign =
    (canaries: ReadonlyArray<string>) =>
    ({ body }: Recorded) => {
      const told = canaries.filter((canary) => body.includes(canary))
      return told.length === 0 ? undefined : `contains data of another organization: ${told.join(", ")}`
    }
  const isRefused = (answer: Recorded) => {
    const operation = operationOf(answer)
    const isOpen = operation === undefined || operation.isOpen
    return !isOpen && answer.status < 400 ? "accepted without a credential" : foreign(furnished.canaries)(answer)
  }

  const before = await everythingOf(server.url, acme)
  const except = destructive
  await run("without a credential", { seconds: 20, examples: 10 }, isRefused)
  const invented = [
    `Bearer mcs_${"0".repeat(20)}_${"A".repeat(43)}`,
    `Bearer mck_${"0".repeat(12)}_${"A".repeat(43)}`,
    "Bearer e30.e30.e30",
    `Basic ${Buffer.from("acme:acme").toString("base64")}`
  ]
  for (const authorization of invented) {
    await run(
      `with "${authorization.slice(0, 14)}…"`,
      { authorization, phases: ["examples"], seconds: 10, examples: 3 },
      isRefused
    )
  }
  await run("rival", { authorization: `Bearer ${rival.token}`, checks: signedIn, except }, foreign(furnished.canaries))
  if ((await everythingOf(server.url, acme)) !== before) fault("rival changed acme's data")
  await run("acme", { authorization: `Bearer ${acme.token}`, checks: signedIn, except }, foreign(rival.canaries))
  for (const [index, operation] of destructive.entries()) {
    const { token } = await register(url, `throwaway-${index}`)
    take()
    await run(
      operation,
      { authorization: `Bearer ${token}`, only: [operation], examples: 10, seconds: 10 },
      foreign(furnished.canaries)
    )
  }
  const bytes = residentBytes(server.pid)
  if (bytes > mostBytes) fault(`the server uses ${Math.round(bytes / 2 ** 20)} MiB of memory`)
  const never = operations
    .filter((operation) => !reached.has(operation.operationId))
    .map((operation) => operation.operationId)
  console.log(
    `fuzz: ${operations.length} operations, ${requests} requests, ${Math.round(bytes / 2 ** 20)} MiB at the end`
  )
  console.log(
    `fuzz: ${[...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, count]) => `${status}: ${count}`)
      .join(", ")}`
  )
  if (never.length > 0) console.log(`fuzz: operations without a successful response: ${never.join(", ")}`)
} finally {
  proxy?.stop()
  await server.end("SIGTERM")
  const causes = server.output
    .split("\n")
    .filter((line) => /level=(ERROR|FATAL)|"logLevel":"(ERROR|FATAL)"| failed/.test(line))
  if (causes.length > 0) fault(`the server's log contains errors:\n${causes.slice(0, 20).join("\n")}`)
  server.remove()
  rmSync(folder, { recursive: true, force: true })
}
console.log(faults === 0 ? "fuzz: passed" : `fuzz: ${faults} faults`)
process.exitCode = faults === 0 ? 0 : 1
