import { Data } from "effect"
import type { Deployment } from "./api/deployment.ts"
import type { ApiError } from "./api/errors.ts"
import type { Service } from "./api/service.ts"
import type { ProxyFailed } from "./proxy/ProxyFailed.ts"
import { clientVersion } from "./transport/clientVersion.ts"

/** One problem in a config: its path in the app, the message with its fix, and its position in a file. */
export interface ConfigIssue {
  /** The path in readable form: `services.api.port`. Empty for the whole file. */
  readonly path: string
  readonly message: string
  /** The kind of mistake, as in problem documents; `policy` if one of the config's `policies` reports it. @default `invalid_value` */
  readonly code?: string
  /** The absolute path of the config or of a file that it imports. */
  readonly file: string
  /** From 1. */
  readonly line?: number
  /** From 1. */
  readonly column?: number
}

/** The config can't be read, evaluated or parsed. Nothing was sent. */
export class ConfigInvalid extends Data.TaggedError("ConfigInvalid")<{
  /** Absolute path of the config. */
  readonly file: string
  readonly issues: ReadonlyArray<ConfigIssue>
}> {
  override get message() {
    return this.issues.map((issue) => renderIssue(issue)).join("\n")
  }
}

/**
 * One line: `maxcloud.config.ts:7:12  services.api.port  0 isn't a valid port. …`. Files are shown relative to `folder`, by default the
 * process's own.
 */
export const renderIssue = (issue: ConfigIssue, folder: string = process.cwd()): string => {
  const inside = issue.file.startsWith(`${folder}/`) ? issue.file.slice(folder.length + 1) : issue.file
  const place = [inside, issue.line, issue.column].filter((value) => value !== undefined).join(":")
  return [place, issue.path, issue.message].filter((value) => value !== "").join("  ")
}

/** The folder of a `source` can't be sent: it doesn't exist, is empty or too large, or a link points outside of it. */
export class SourceInvalid extends Data.TaggedError("SourceInvalid")<{
  readonly folder: string
  readonly detail: string
}> {
  override get message() {
    return this.detail
  }
}

/** `code` of `NotReachable` if the server accepted the connection but didn't respond in time. */
export const noAnswerCode = "NO_ANSWER"

/** Nothing responds at `apiUrl`, or the connection broke. Safe to retry. */
export class NotReachable extends Data.TaggedError("NotReachable")<{
  readonly apiUrl: string
  /** The system's code, such as `ECONNREFUSED` or `ENOTFOUND`; `NO_ANSWER` if the response took longer than `timeoutSeconds`. */
  readonly code: string
  /** How long it waited, with `NO_ANSWER`. */
  readonly seconds?: number | undefined
  /** The failed proxy, if the cause is a proxy. */
  readonly proxy?: ProxyFailed | undefined
  /** Whether the connection broke in the middle of an upload. */
  readonly uploading?: boolean | undefined
}> {
  override get message() {
    if (this.uploading === true) {
      return `the connection to the max-cloud server at ${this.apiUrl} broke during the upload of a source (${this.code}): deploy again. If it breaks at the same point each time, look for a limit on the size of requests in the proxies in front of the server`
    }
    if (this.proxy !== undefined) {
      return `the max-cloud server at ${this.apiUrl} can't be reached, because ${this.proxy.problem}: ${this.proxy.fix}`
    }
    if (this.code === noAnswerCode) {
      return `no answer from the max-cloud server at ${this.apiUrl} within ${this.seconds} s: check that a max-cloud server listens there and isn't overloaded, then retry`
    }
    if (this.code === "ECONNREFUSED") {
      return `no max-cloud server answers at ${this.apiUrl} (connection refused): start it with \`maxcloud server\`, or set its address with MAXCLOUD_API_URL or --api-url`
    }
    return `the max-cloud server at ${this.apiUrl} can't be reached (${this.code}): check the address and the network, then retry`
  }
}

/** The credential can't be read or obtained: a damaged file, or CI provides no token. Nothing was sent. */
export class CredentialUnavailable extends Data.TaggedError("CredentialUnavailable")<{
  readonly source: "credentials file" | "GitHub Actions"
  readonly detail: string
  readonly fix: string
  /** Whether a retry may succeed. */
  readonly passing: boolean
}> {
  override get message() {
    return `${this.detail}: ${this.fix}`
  }
}

/** A credential would travel unencrypted: `http:` to another machine. Nothing was sent. */
export class InsecureUrl extends Data.TaggedError("InsecureUrl")<{ readonly apiUrl: string }> {
  override get message() {
    return `the credential wasn't sent to ${this.apiUrl}, because others on the network could read it: use https://, or set MAXCLOUD_INSECURE=1 if the network is your own`
  }
}

/** The response isn't from a max-cloud server of a known version: a proxy's error page, or an unreadable body. */
export class UnexpectedAnswer extends Data.TaggedError("UnexpectedAnswer")<{
  readonly url: string
  /** 0 if unknown. */
  readonly status: number
  readonly detail: string
}> {
  override get message() {
    return `unexpected response from ${this.url}${this.status === 0 ? "" : ` (status ${this.status})`}: ${this.detail}`
  }
}

/** A newer server's problem that this version doesn't know. Identify it by `type` and `status`. */
export class UnknownProblem extends Data.TaggedError("UnknownProblem")<{
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
}> {
  override get message() {
    return this.detail === "" ? this.title : this.detail
  }
}

/** The server is older than this version, and lacks the operation. */
export class ServerOutdated extends Data.TaggedError("ServerOutdated")<{
  readonly apiUrl: string
  readonly serverVersion: string
  /** Method and path. */
  readonly operation: string
}> {
  override get message() {
    return `the max-cloud server at ${this.apiUrl} has version ${this.serverVersion} and lacks "${this.operation}" of version ${clientVersion}: update the server, or use the client of its version`
  }
}

/** The deployment failed. `deployment.services` has the failed service, the reason, and its last log lines. */
export class DeploymentFailed extends Data.TaggedError("DeploymentFailed")<{ readonly deployment: Deployment }> {
  override get message() {
    const { app, number, services, stage, status } = this.deployment
    const failed = services
      .filter((service) => service.state === "failed")
      .map((service) => `${service.name}: ${service.message}`)
    return [`deployment ${number} of ${app} (${stage}) ${status.state}: ${status.message}`, ...failed].join("\n")
  }
}

/** A newer deployment replaced it before it finished, so it neither succeeded nor failed. */
export class DeploymentSuperseded extends Data.TaggedError("DeploymentSuperseded")<{
  readonly deployment: Deployment
}> {
  override get message() {
    const { app, number, stage } = this.deployment
    return `Deployment ${number} of ${app} (${stage}) was superseded by a newer one. \`maxcloud deployments list\` shows it.`
  }
}

/** Somebody cancelled it before it finished. */
export class DeploymentCancelled extends Data.TaggedError("DeploymentCancelled")<{ readonly deployment: Deployment }> {
  override get message() {
    const { app, number, stage, status } = this.deployment
    return `Deployment ${number} of ${app} (${stage}) was cancelled: ${status.message}`
  }
}

/** A deployment that finished without success. */
export type DeploymentUnsuccessful = DeploymentFailed | DeploymentSuperseded | DeploymentCancelled

/** The new instances of a restart don't serve. The previous instances, if any, keep running. */
export class RestartFailed extends Data.TaggedError("RestartFailed")<{ readonly service: Service }> {
  override get message() {
    const { name, stage, status } = this.service
    const { conditions, diagnosis, state } = status
    const why = diagnosis?.message ?? conditions.find((condition) => condition.type === "Ready")?.message ?? ""
    return `the restart of ${name} (${stage}) failed: ${why === "" ? `it is ${state}` : why}`
  }
}

/** Failures of any call. */
export type CallError =
  | ApiError
  | UnknownProblem
  | NotReachable
  | InsecureUrl
  | CredentialUnavailable
  | UnexpectedAnswer
  | ServerOutdated

/** Failures of the SDK. */
export type MaxCloudError = CallError | ConfigInvalid | SourceInvalid | DeploymentUnsuccessful | RestartFailed
