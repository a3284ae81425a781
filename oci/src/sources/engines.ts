import { spawn } from "node:child_process"
import { createWriteStream, existsSync, statSync } from "node:fs"
import { type IncomingMessage, request } from "node:http"
import { delimiter, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { Effect } from "effect"
import { diskError } from "../content/diskError.ts"
import { OciError, ociError } from "../OciError.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Where a container engine answers. */
type Engine =
  | { readonly kind: "api"; readonly where: string; readonly socketPath: string }
  | { readonly kind: "api"; readonly where: string; readonly host: string; readonly port: string }
  | { readonly kind: "program"; readonly where: string; readonly program: string }

const onPath = (program: string, { PATH = "" }: Environment) =>
  PATH.split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))

/** `DOCKER_HOST` or `CONTAINER_HOST`, as docker and podman read them. */
const namedEngine = (name: string, value: string): Engine | OciError => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === "unix:") return { kind: "api", where: `${url.pathname} (${name})`, socketPath: url.pathname }
  if (url?.protocol === "tcp:" && url.port !== "")
    return { kind: "api", where: `${url.host} (${name})`, host: url.hostname, port: url.port }
  return ociError(
    "engine",
    `${name} names an engine that maxcloud can't reach`,
    "save the image first: `podman save --output image.tar IMAGE`, then push image.tar"
  )
}

const isSocket = (path: string) => {
  try {
    return statSync(path).isSocket()
  } catch {
    return false
  }
}

/** The engines to ask, in turn: those that the environment names, else podman's and docker's sockets, then podman itself. */
const enginesOf = (environment: Environment): ReadonlyArray<Engine | OciError> => {
  const named = ["CONTAINER_HOST", "DOCKER_HOST"].flatMap((name) => {
    const value = environment[name] ?? ""
    return value === "" ? [] : [namedEngine(name, value)]
  })
  if (named.length > 0) return named
  const runtime = environment["XDG_RUNTIME_DIR"]
  const sockets = [
    ...(runtime === undefined ? [] : [join(runtime, "podman/podman.sock")]),
    "/run/podman/podman.sock",
    ...(runtime === undefined ? [] : [join(runtime, "docker.sock")]),
    "/var/run/docker.sock"
  ]
  const podman = onPath("podman", environment)
  return [
    ...sockets.filter(isSocket).map((path): Engine => ({ kind: "api", where: path, socketPath: path })),
    // podman has no daemon: its socket exists only if somebody started the service.
    ...(podman === undefined ? [] : [{ kind: "program", where: "podman", program: podman } satisfies Engine])
  ]
}

const get = (engine: Exclude<Engine, { kind: "program" }>, path: string, signal: AbortSignal) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const to = "socketPath" in engine ? { socketPath: engine.socketPath } : { host: engine.host, port: engine.port }
    const call = request({ ...to, path, signal, headers: { host: "localhost" } }, resolve)
    call.on("error", reject)
    call.end()
  })

const refusalBytes = 64 * 1024

const textOf = async (answer: IncomingMessage) => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of answer) {
    size += chunk.length
    if (size <= refusalBytes) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

const noImage = (image: string) =>
  ociError(
    "missing",
    `there's no image ${image} on this machine`,
    "`podman images` or `docker images` lists those that there are"
  )

/** Downloads an image as an archive of `docker save`. */
const fromApi = (engine: Exclude<Engine, { kind: "program" }>, image: string, file: string) =>
  Effect.tryPromise({
    try: async (signal) => {
      const ping = await get(engine, "/_ping", signal)
      await textOf(ping)
      // podman's Docker API takes `app` for one of Docker Hub; its own finds `localhost/app`.
      const isPodman = ping.headers["libpod-api-version"] !== undefined
      const path = isPodman ? `/v4.0.0/libpod/images/${image}/get?format=docker-archive` : `/images/${image}/get`
      const answer = await get(engine, path, signal)
      if (answer.statusCode === 200) return await pipeline(answer, createWriteStream(file, { mode: 0o600 }), { signal })
      const text = await textOf(answer)
      if (answer.statusCode === 404 || /no such image/i.test(text)) throw noImage(image)
      throw ociError("engine", `the container engine at ${engine.where} answers ${answer.statusCode} for ${image}`)
    },
    catch: (cause) => {
      if (cause instanceof OciError) return cause
      return cause instanceof Error && "path" in cause && cause.path === file
        ? diskError(cause, `write ${file}`)
        : ociError(
            "engine",
            `the container engine at ${engine.where} doesn't answer (${cause instanceof Error ? cause.message : cause})`,
            "start it, or save the image first: `podman save --output image.tar IMAGE`, then push image.tar"
          )
    }
  })

/** The same by podman's program. */
const fromProgram = (program: string, image: string, file: string, environment: Environment) =>
  Effect.async<void, OciError>((resume, signal) => {
    const child = spawn(program, ["save", "--quiet", "--format", "docker-archive", "--output", file, "--", image], {
      env: { ...environment },
      stdio: ["ignore", "ignore", "pipe"],
      signal
    })
    let said = ""
    child.stderr.on("data", (chunk: Buffer) => {
      said = `${said}${chunk.toString("utf8")}`.slice(-4_000)
    })
    child.on("error", (cause) => resume(ociError("engine", `couldn't start ${program}: ${cause.message}`)))
    child.on("close", (code) => {
      if (code === 0) return resume(Effect.void)
      if (/image not known|no such image|not found/i.test(said)) return resume(noImage(image))
      const last = said.trim().split("\n").at(-1) ?? ""
      const full = /no space left/i.test(said)
      resume(
        ociError(
          full ? "disk" : "engine",
          `podman couldn't save ${image}: ${last.slice(0, 500)}`,
          full ? "free some space, or set TMPDIR to a folder on a disk with enough" : undefined
        )
      )
    })
  })

/** Writes an image of podman's or docker's store to `file`, as an archive of `docker save`. */
export const saveImage = (image: string, file: string, environment: Environment): Effect.Effect<void, OciError> =>
  Effect.gen(function* () {
    const engines = enginesOf(environment)
    let missing: OciError | undefined
    let failed: OciError | undefined
    for (const engine of engines) {
      if (engine instanceof OciError) return yield* engine
      const saving =
        engine.kind === "program" ? fromProgram(engine.program, image, file, environment) : fromApi(engine, image, file)
      const done = yield* Effect.either(saving)
      if (done._tag === "Right") return
      if (done.left.reason === "missing") missing = done.left
      else if (done.left.reason === "engine") failed ??= done.left
      else return yield* done.left
    }
    return yield* failed ??
      missing ??
      ociError(
        "engine",
        `${image} can't be read: neither podman nor docker is on this machine`,
        "push an archive or an OCI layout instead: `maxcloud push image.tar --name APP`"
      )
  })
