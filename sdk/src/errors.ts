import { Data } from "effect"
import type { Deployment } from "./api/deployment.ts"
import type { ApiError } from "./api/errors.ts"
import type { Service } from "./api/service.ts"
import type { ProxyFailed } from "./proxy/ProxyFailed.ts"
import { clientVersion } from "./transport/clientVersion.ts"

/** One problem in a config: its place in the described app, the message with its fix, and its place in a file. */
export interface ConfigIssue {
  /** As it is read aloud: `services.api.port`. Empty where the whole file is meant. */
  readonly path: string
  readonly message: string
  /** The kind of mistake, as in problem documents; `policy`: one of the config's `policies` finds it. @default `invalid_value` */
  readonly code?: string
  /** Absolute path. It can be another file than the config: a service may be written in a file that the config imports. */
  readonly file: string
  /** From 1. */
  readonly line?: number
  /** From 1. */
  readonly column?: number
}

/** A config that cannot be read, evaluated or parsed. Nothing has been sent. */
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

/** The folder of a `source` cannot be made a snapshot: it is not there, holds nothing, is too large, or a link leaves it. */
export class SourceInvalid extends Data.TaggedError("SourceInvalid")<{
  readonly folder: string
  readonly detail: string
}> {
  override get message() {
    return this.detail
  }
}

/** `code` of `NotReachable` if the server took the connection and didn't answer in time. */
export const noAnswerCode = "NO_ANSWER"

/** Nothing answers at `apiUrl`, or the connection broke. The same may be tried again. */
export class NotReachable extends Data.TaggedError("NotReachable")<{
  readonly apiUrl: string
  /** As the system calls it: `ECONNREFUSED`, `ENOTFOUND`, …; `NO_ANSWER`: the answer took longer than `timeoutSeconds`. */
  readonly code: string
  /** How long it waited, with `NO_ANSWER`. */
  readonly seconds?: number | undefined
  /** The proxy that failed, if it is one. */
  readonly proxy?: ProxyFailed | undefined
  /** Did the connection break in the middle of an upload? */
  readonly uploading?: boolean | undefined
}> {
  override get message() {
    if (this.uploading === true) {
      return `the connection to the max-cloud server at ${this.apiUrl} broke while a source was sent (${this.code}): deploy again. If it breaks at the same place each time, look for a limit on the size of requests in the proxies before the server`
    }
    if (this.proxy !== undefined) {
      return `the max-cloud server at ${this.apiUrl} can't be reached, for ${this.proxy.problem}: ${this.proxy.fix}`
    }
    if (this.code === noAnswerCode) {
      return `no answer from the max-cloud server at ${this.apiUrl} within ${this.seconds} s: check that a max-cloud server listens there and isn't overloaded, then try again`
    }
    if (this.code === "ECONNREFUSED") {
      return `no max-cloud server answers at ${this.apiUrl} (connection refused): start it by \`maxcloud server\`, or say where it is by MAXCLOUD_API_URL or --api-url`
    }
    return `the max-cloud server at ${this.apiUrl} cannot be reached (${this.code}): check the address and the network, then try again`
  }
}

/** The credential that is meant can't be had: a damaged file, or CI that gives no token. Nothing has been sent. */
export class CredentialUnavailable extends Data.TaggedError("CredentialUnavailable")<{
  readonly source: "credentials file" | "GitHub Actions"
  readonly detail: string
  readonly fix: string
  /** May the same work a little later? */
  readonly passing: boolean
}> {
  override get message() {
    return `${this.detail}: ${this.fix}`
  }
}

/** A credential would travel without encryption: `http:` to another machine. Nothing has been sent. */
export class InsecureUrl extends Data.TaggedError("InsecureUrl")<{ readonly apiUrl: string }> {
  override get message() {
    return `no credential is sent to ${this.apiUrl}, where others on the way could read it: use https://, or say MAXCLOUD_INSECURE=1 where the network is your own`
  }
}

/** The answer isn't from a max-cloud server, or from one of another version: a proxy's error page, a body that can't be read. */
export class UnexpectedAnswer extends Data.TaggedError("UnexpectedAnswer")<{
  readonly url: string
  /** 0 where it is not known. */
  readonly status: number
  readonly detail: string
}> {
  override get message() {
    return `unexpected answer from ${this.url}${this.status === 0 ? "" : ` (status ${this.status})`}: ${this.detail}`
  }
}

/** A problem that this version doesn't know: a newer server's. Tell it by `type` and `status`. */
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

/** The server is older than this version, and lacks what was called. */
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

/** A deployment that failed. `deployment.services` says which service, why, and its last log lines. */
export class DeploymentFailed extends Data.TaggedError("DeploymentFailed")<{ readonly deployment: Deployment }> {
  override get message() {
    const { app, number, services, stage, status } = this.deployment
    const failed = services
      .filter((service) => service.state === "failed")
      .map((service) => `${service.name}: ${service.message}`)
    return [`deployment ${number} of ${app} (${stage}) ${status.state}: ${status.message}`, ...failed].join("\n")
  }
}

/** A newer deployment took its place before it had finished: it has neither succeeded nor failed. */
export class DeploymentSuperseded extends Data.TaggedError("DeploymentSuperseded")<{
  readonly deployment: Deployment
}> {
  override get message() {
    const { app, number, stage } = this.deployment
    return `Deployment ${number} of ${app} (${stage}) was superseded by a newer one. \`maxcloud deployments list\` shows it.`
  }
}

/** Somebody ended it before it had finished. */
export class DeploymentCancelled extends Data.TaggedError("DeploymentCancelled")<{ readonly deployment: Deployment }> {
  override get message() {
    const { app, number, stage, status } = this.deployment
    return `Deployment ${number} of ${app} (${stage}) was cancelled: ${status.message}`
  }
}

/** A deployment that ended otherwise than by success. */
export type DeploymentUnsuccessful = DeploymentFailed | DeploymentSuperseded | DeploymentCancelled

/** The new instances of a restart don't serve. The instances from before, if any, keep running. */
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
