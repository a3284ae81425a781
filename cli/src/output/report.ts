import type { SpecIssue } from "@maxcloud/config-schema"
import type { ApiError, Deployment, DeploymentService, PlanOutdated, ProblemError } from "@maxcloud/sdk/api"
import type { MaxCloudError } from "@maxcloud/sdk/effect"
import { apiErrors, codeOf, specIssueOf } from "@maxcloud/sdk/errors"
import { type ExitCode, exitCodeOf, exitCodeOfStatus, isErrorTag } from "../errors/exitCodes.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { diagnosisLines } from "./diagnosis.ts"
import { linesOf, printable } from "./format.ts"
import { localModeFix, signInFix } from "./signInFix.ts"
import type { Terminal } from "./terminal.ts"

/** A failure to print: a block for people, or an object for `--json`. */
export interface Report {
  readonly exit: ExitCode
  readonly tag: string
  readonly message: string
  readonly details: ReadonlyArray<string>
  readonly fix: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

const isSdkError = (error: unknown): error is MaxCloudError =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  typeof error._tag === "string" &&
  isErrorTag(error._tag)

/** `["services", 0, "port"]` as `services[0].port`. */
const pathText = (path: SpecIssue["path"]): string =>
  path
    .map((value) =>
      typeof value === "number"
        ? `[${value}]`
        : /^[A-Za-z_]\w*$/.test(value)
          ? `.${value}`
          : `[${JSON.stringify(value)}]`
    )
    .join("")
    .replace(/^\./, "")

export const problemLine = (problem: ProblemError): string => {
  const { message, path } = specIssueOf(problem)
  return path.length === 0 ? message : `${pathText(path)}: ${message}`
}

/** The report of an expected failure; undefined for a defect. */
export const reportOf = (error: unknown): Report | undefined => {
  if (error instanceof UsageError) {
    return { exit: 2, tag: "UsageError", message: error.message, details: [], fix: error.fix, data: {} }
  }
  if (error instanceof CommandFailed) {
    const { data = {}, details = [], exit, fix, message, tag } = error
    return { exit, tag, message, details, fix, data }
  }
  return isSdkError(error) ? sdkReport(error) : undefined
}

const sdkReport = (error: MaxCloudError): Report => ({
  exit: exitCodeOf(error._tag),
  tag: error._tag,
  message: error.message,
  details: [],
  fix: undefined,
  data: {},
  ...merged(error)
})

const configFields = (error: Extract<MaxCloudError, { _tag: "ConfigInvalid" }>): Partial<Report> => {
  const count = error.issues.length
  return {
    message: `${count === 1 ? "a problem" : `${count} problems`} in the config; nothing was sent`,
    details: error.message.split("\n"),
    data: {
      file: error.file,
      errors: error.issues.map(({ code = "invalid_value", message, ...place }) => ({
        ...place,
        code,
        detail: message
      }))
    }
  }
}

const clientFields = (error: Extract<MaxCloudError, { _tag: "ClientOutdated" }>): Partial<Report> => {
  const { clientVersion, minimumClient } = error
  return {
    message: `this is maxcloud ${clientVersion}, but the server needs ${minimumClient} or newer`,
    fix: "update it with `npm i -D @maxcloud/cli@latest`",
    data: { clientVersion, minimumClient }
  }
}

/** The fields of an error besides its tag and message, including those of its problem document. */
const merged = (error: MaxCloudError): Partial<Report> => {
  const fields = fieldsOf(error)
  return isApiError(error) ? { ...fields, data: { ...documentFields(error), ...fields.data } } : fields
}

const isApiError = (error: MaxCloudError): error is ApiError => Object.hasOwn(apiErrors, error._tag)

const documentFields = ({ instance, requestId, status, title, type }: ApiError) => ({
  type,
  title,
  status,
  instance,
  requestId
})

/** The message and the details without the texts that both have. */
const saidOnce = ({ errors, message }: Extract<MaxCloudError, { _tag: "InvalidRequest" | "InvalidSpec" }>) => {
  const [first, ...others] = errors
  if (first === undefined || !errors.every(({ detail }) => message.includes(detail))) {
    return { details: errors.map(problemLine) }
  }
  // A message that is only the detail has no path, and needs none.
  if (others.length === 0) return { message: message === first.detail ? message : problemLine(first) }
  return { message: `the request has ${errors.length} problems`, details: errors.map(problemLine) }
}

/** The fields of an error besides its tag and message, or in place of its message. */
const fieldsOf = (error: MaxCloudError): Partial<Report> => {
  switch (error._tag) {
    case "InvalidRequest":
    case "InvalidSpec":
      return { ...saidOnce(error), data: { errors: error.errors } }
    case "ConfigInvalid":
      return configFields(error)
    case "SourceInvalid":
      return { data: { folder: error.folder } }
    case "NotReachable": {
      const [message, fix] = split(error.message)
      return { message, fix, data: { apiUrl: error.apiUrl, systemCode: error.code } }
    }
    case "DeploymentFailed":
      return deploymentFields(error.deployment)
    case "DeploymentSuperseded":
    case "DeploymentCancelled":
      return { fix: "`maxcloud deployments list` shows the newer one", data: { deployment: error.deployment } }
    case "RestartFailed": {
      const { name, status } = error.service
      const { diagnosis } = status
      return {
        details: diagnosis === null ? [] : diagnosisLines(diagnosis),
        fix: `\`maxcloud describe ${name}\` and \`maxcloud logs ${name}\` show why`,
        data: { service: error.service }
      }
    }
    case "PlanOutdated":
      return { ...outdatedFields(error), fix: "run `maxcloud plan` again" }
    case "NotFound":
      return { data: { resource: error.resource, resourceName: error.resourceName } }
    case "Unauthenticated":
      if (error.localMode === true) {
        const [message] = error.message.split(/(?<=\w)\. /, 1)
        return { message: message ?? error.message, fix: localModeFix }
      }
      return { fix: signInFix(process.env) }
    case "InsecureUrl": {
      const [message, fix] = split(error.message)
      return { message, fix, data: { apiUrl: error.apiUrl } }
    }
    case "CredentialUnavailable":
      return { exit: error.passing ? 3 : 1, message: error.detail, fix: error.fix, data: { source: error.source } }
    case "ClientOutdated":
      return clientFields(error)
    case "ServerOutdated": {
      const [message, fix] = split(error.message)
      const { apiUrl, operation, serverVersion } = error
      return { message, fix, data: { apiUrl, serverVersion, operation } }
    }
    case "UnknownProblem":
      return { exit: exitCodeOfStatus(error.status), fix: updateFix, data: { type: error.type, status: error.status } }
    case "UnexpectedAnswer":
      // The response came from something else, so its status says nothing about max-cloud.
      return error.status === 0 ? { fix: updateFix } : {}
    case "TooManyRequests":
      return {
        fix: `retry in ${error.retryAfterSeconds} s`,
        data: { retryAfterSeconds: error.retryAfterSeconds }
      }
    case "Unavailable":
      return { fix: "try again", data: { retryAfterSeconds: error.retryAfterSeconds } }
    case "InternalError":
      return { fix: `find the cause in the server's log, under the request id ${error.requestId ?? "of this request"}` }
    case "Conflict":
      return { data: error.owner === undefined ? {} : { owner: error.owner } }
    default:
      return {}
  }
}

/** The changes since a plan, without a fix, because each command has its own. */
export const outdatedFields = (error: PlanOutdated) => ({
  message: error.message.replace(/ Run `maxcloud plan` again\.$/, ""),
  data: { ...documentFields(error), basedOn: error.basedOn, newestDeployment: error.newestDeployment }
})

const deploymentFields = (deployment: Deployment): Partial<Report> => {
  const { app, number, services, stage, status } = deployment
  const { message, reason, state } = status
  const failed = services.filter((service) => service.state === "failed")
  const staying = services.filter(
    (service) => service.action === "delete" && service.state === "pending" && service.message !== null
  )
  // The deployment was refused as a whole, so no service has the code.
  const code = state === "failed" && failed.length === 0 && !uncoded.has(reason) ? reason : undefined
  return {
    message: `deployment ${number} of ${app} (${stage}) ${state}${message === null || failed.length > 0 ? "" : `: ${code === undefined ? "" : `${code}: `}${message}`}`,
    details: [
      ...failed.flatMap(failedService),
      ...staying.map((each) => `${each.name} wasn't removed: ${each.message}`)
    ],
    fix: code === undefined ? undefined : `\`maxcloud explain ${code}\` says more`,
    data: { deployment }
  }
}

/** The fix if the server's answer can't be read. */
const updateFix =
  "the server may be newer than this version of maxcloud: update it with `npm i -D @maxcloud/cli@latest`"

/** Failure reasons of deployments that aren't diagnosis codes. */
const uncoded = new Set(["Refused", "ServiceFailed", "Draining", "RuntimeUnavailable", "Restoring", "InternalError"])

/** Splits a message of the SDK: the problem, then the fix after a colon. */
const split = (message: string): readonly [string, string | undefined] => {
  const at = message.indexOf(": ")
  return at === -1 ? [message, undefined] : [message.slice(0, at), message.slice(at + 2)]
}

/** Why a service of a deployment isn't ready: the diagnosis, its last log lines, and the fix. */
export const failedService = ({
  diagnosis,
  logTail,
  message,
  name,
  reason
}: DeploymentService): ReadonlyArray<string> => {
  const said = message ?? reason
  return [
    ...linesOf(diagnosis === null ? `${name}: ${said}` : `${name}: ${diagnosis.code}: ${diagnosis.message}`),
    ...logTail.map((value) => `  | ${printable(value)}`),
    ...(diagnosis === null ? [] : diagnosisLines(diagnosis).map((diagnosisLine) => `  ${diagnosisLine}`))
  ]
}

/** Reports a failure: a block on stderr, or with `--json` an object on stdout. */
export const tell = (report: Report, terminal: Terminal): void => {
  if (terminal.json) {
    terminal.printJson(
      {
        error: {
          code: codeOf(report.tag),
          exitCode: report.exit,
          detail: report.message,
          ...report.data,
          ...(report.fix === undefined ? {} : { fix: report.fix })
        }
      },
      "line"
    )
    return
  }
  terminal.say(`${terminal.paintError(["red", "bold"], "error:")} ${report.message}`)
  for (const line of report.details) terminal.say(`  ${line.replace(/\r?\n(?=\S)/g, "\n    ")}`)
  if (report.fix !== undefined) terminal.say(`${terminal.paintError("cyan", "fix:")} ${report.fix}`)
}
