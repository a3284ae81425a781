import { type ChildProcess, spawn } from "node:child_process"
import { generateKeyPairSync, randomBytes } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "../freePort.ts"

/** The folder with the programs `etcd` and `kube-apiserver`, as for controller-runtime's envtest. */
export const controlPlanePrograms = process.env["KUBEBUILDER_ASSETS"]

const ended = (child: ChildProcess) =>
  child.exitCode === null && child.signalCode === null
    ? new Promise<void>((resolve) => child.once("exit", () => resolve()))
    : Promise.resolve()

const crd = (kind: string, plural: string) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.serving.knative.dev` },
  spec: {
    group: "serving.knative.dev",
    scope: "Namespaced",
    names: { kind, plural, singular: kind.toLowerCase() },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
      }
    ]
  }
})

const definitions = [crd("Service", "services"), crd("Revision", "revisions"), crd("Route", "routes")]

/**
 * A real API server with its etcd and Knative's kinds, and nothing that acts on objects: no controller, kubelet or webhook. So
 * thousands of objects cost nothing but their storage.
 */
export const startControlPlane = async (programs: string) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-control-plane-"))
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()]
  const token = randomBytes(16).toString("hex")
  const keyFile = join(folder, "accounts.key")
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  writeFileSync(keyFile, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 })
  writeFileSync(join(folder, "tokens.csv"), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 })
  let output = ""
  const run = (program: string, args: ReadonlyArray<string>) => {
    const child = spawn(join(programs, program), args, { stdio: ["ignore", "ignore", "pipe"] })
    child.stderr.on("data", (piece: Buffer) => {
      output = (output + piece.toString()).slice(-20_000)
    })
    return child
  }
  const [client, peer] = [`http://127.0.0.1:${etcdPort}`, `http://127.0.0.1:${peerPort}`]
  const etcd = run("etcd", [
    ...["--name", "default", "--data-dir", join(folder, "etcd"), "--unsafe-no-fsync", "--log-level", "warn"],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`]
  ])
  const apiServer = run("kube-apiserver", [
    `--etcd-servers=${client}`,
    ...["--bind-address=127.0.0.1", `--secure-port=${port}`, `--cert-dir=${folder}`, "--authorization-mode=RBAC"],
    ...[`--token-auth-file=${join(folder, "tokens.csv")}`, "--disable-admission-plugins=ServiceAccount"],
    ...["--service-cluster-ip-range=10.96.0.0/16", "--service-account-issuer=https://kubernetes.default.svc"],
    ...[`--service-account-key-file=${keyFile}`, `--service-account-signing-key-file=${keyFile}`]
  ])
  const call = (method: string, path: string, body?: unknown) =>
    new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
      const asked = request({ host: "127.0.0.1", port, method, path, headers, rejectUnauthorized: false }, (answer) => {
        let text = ""
        answer.setEncoding("utf8").on("data", (piece: string) => {
          text += piece
        })
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text })).on("error", reject)
      })
      asked.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body))
    })
  const close = async () => {
    for (const child of [apiServer, etcd]) child.kill("SIGTERM")
    await Promise.all([ended(apiServer), ended(etcd)])
    rmSync(folder, { recursive: true, force: true })
  }
  const until = async (what: string, look: () => Promise<boolean>) => {
    for (const since = performance.now(); !(await look().catch(() => false)); await sleep(100)) {
      if (apiServer.exitCode !== null || performance.now() - since > 120_000) {
        await close()
        throw new Error(`the API server isn't ready (${what}):\n${output}`)
      }
    }
  }
  await until("it answers", async () => (await call("GET", "/readyz")).status === 200)
  for (const definition of definitions) {
    await call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
  }
  await until("it has Knative's kinds", async () => {
    const { status, text } = await call("GET", "/apis/serving.knative.dev/v1")
    return status === 200 && definitions.every(({ spec }) => text.includes(`"${spec.names.plural}"`))
  })
  const kubeconfig = join(folder, "kubeconfig")
  const ca = readFileSync(join(folder, "apiserver.crt")).toString("base64")
  const cluster = { server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca }
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      clusters: [{ name: "test", cluster: { ...cluster, "tls-server-name": "kubernetes" } }],
      users: [{ name: "test", user: { token } }]
    }),
    { mode: 0o600 }
  )
  return { kubeconfig, call, close }
}
