import { Agent, request } from "node:https"
import { KubeConfig } from "@kubernetes/client-node"
import { Schema } from "effect"
import { jsonForYaml } from "../src/jsonForYaml.ts"
import type { Manifest } from "../src/manifest.ts"

const Status = Schema.Struct({ message: Schema.optional(Schema.String) })

/** The part of a Kubernetes API server that the dry run needs. `text` is a response's body. */
export class ApiServer {
  readonly #server: string
  readonly #agent: Agent
  readonly #authorization: string | undefined

  private constructor(server: string, agent: Agent, authorization: string | undefined) {
    this.#server = server
    this.#agent = agent
    this.#authorization = authorization
  }

  static async connect(): Promise<ApiServer> {
    const config = new KubeConfig()
    config.loadFromDefault()
    const cluster = config.getCurrentCluster()
    if (cluster === null) throw new Error("KUBECONFIG names no current cluster")
    const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = {}
    await config.applyToHTTPSOptions(options)
    const { ca, cert, key, rejectUnauthorized } = options
    const agent = new Agent({
      keepAlive: true,
      maxSockets: 8,
      ca,
      cert,
      key,
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized })
    })
    const authorization = options.headers === undefined ? undefined : Reflect.get(options.headers, "Authorization")
    return new ApiServer(cluster.server, agent, typeof authorization === "string" ? authorization : undefined)
  }

  call(method: string, path: string, body?: unknown, type = "application/json") {
    return new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const headers = {
        "content-type": type,
        ...(this.#authorization === undefined ? {} : { authorization: this.#authorization })
      }
      const call = request(`${this.#server}${path}`, { method, agent: this.#agent, headers }, (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => {
          text += chunk
        })
        response.on("error", reject)
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
      })
      call.on("error", reject)
      call.end(body === undefined ? undefined : jsonForYaml(body))
    })
  }

  /** Server-side apply with strict fields. Returns the problem, if any. */
  async apply(manifest: Manifest, { dryRun }: { readonly dryRun: boolean }): Promise<string | undefined> {
    const { name, namespace } = manifest.metadata
    const api = manifest.apiVersion === "v1" ? "/api/v1" : `/apis/${manifest.apiVersion}`
    const scope = namespace === undefined ? "" : `/namespaces/${namespace}`
    const kind = manifest.kind.toLowerCase().replace(/y$/, "ie")
    const query = `fieldManager=maxcloud&force=true&fieldValidation=Strict${dryRun ? "&dryRun=All" : ""}`
    const { status, text } = await this.call(
      "PATCH",
      `${api}${scope}/${kind}s/${name}?${query}`,
      manifest,
      "application/apply-patch+yaml"
    )
    return status < 300
      ? undefined
      : `${manifest.kind} ${name}: ${status} ${messageOf(text)}\n${JSON.stringify(manifest)}`
  }

  close() {
    this.#agent.destroy()
  }
}

const messageOf = (text: string): string => {
  try {
    return Schema.decodeUnknownSync(Schema.parseJson(Status))(text).message ?? text
  } catch {
    return text
  }
}
