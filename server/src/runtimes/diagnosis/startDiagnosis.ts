import type { Diagnosis } from "@maxcloud/sdk/api"
import { type DiagnosisCode, diagnosisOf } from "@maxcloud/sdk/api"

type StartCode = Extract<
  DiagnosisCode,
  | "CommandNotFound"
  | "CommandNotExecutable"
  | "WrongPlatform"
  | "UserUnknown"
  | "RootRefused"
  | "SecretMissing"
  | "VolumeFailed"
  | "RuntimeClassMissing"
>

// Messages of runc, runsc, containerd and the kubelet (pkg/kubelet/kuberuntime).
const patterns: ReadonlyArray<readonly [StartCode, RegExp]> = [
  ["WrongPlatform", /exec format error|exec user process caused "?exec format|wrong ELF class/i],
  ["RootRefused", /runAsNonRoot and image will run as root|runAsUser breaks non-root policy/i],
  [
    "UserUnknown",
    /non-numeric user|unable to find (user|group)|no matching entries in passwd|no users found|etc\/(passwd|group): no such file/i
  ],
  [
    "SecretMissing",
    /secret "[^"]*" not found|couldn't find key .* in (secret|configmap)|configmap "[^"]*" not found|references non-existent (secret|config) key/i
  ],
  [
    "RuntimeClassMissing",
    /no runtime for "[^"]*" is configured|RuntimeHandler .* not supported|unknown runtime handler/i
  ],
  ["CommandNotExecutable", /permission denied|is a directory/i],
  [
    "CommandNotFound",
    /executable file not found|error finding executable|no such file or directory|no command specified/i
  ]
]

export const startCodeOf = (message: string): StartCode | undefined =>
  patterns.find(([, pattern]) => pattern.test(message))?.[0]

const program = /exec:? "([^"]+)"|executable "([^"]+)"|exec (\/\S+?):/

const sentence = (code: StartCode, message: string): string => {
  const found = program.exec(message)
  const named = found?.[1] ?? found?.[2] ?? found?.[3]
  const what = named === undefined ? "the program to start" : `the program to start, ${JSON.stringify(named)},`
  // runc says `stat` if the program itself is missing.
  if (code === "CommandNotFound")
    return /^exec \S+: no such file/.test(message)
      ? `${what} exists, but its interpreter (the first line of a script, maybe with Windows line endings) or its dynamic loader is missing`
      : `${what} isn't in the image`
  if (code === "CommandNotExecutable") return `${what} isn't executable`
  if (code === "WrongPlatform") return `${what} is built for a different processor than the cluster's`
  if (code === "RootRefused") return "the image would run as root, which isn't allowed here"
  if (code === "UserUnknown") {
    const user = /non-numeric user \(([^)]*)\)/.exec(message)?.[1]
    const [, kind = "user", unknown] = /unable to find (user|group) ([^:\s]{1,100})/.exec(message) ?? []
    if (unknown !== undefined) return `the image's ${kind} ${JSON.stringify(unknown)} doesn't exist in it`
    return user === undefined
      ? "the image's user doesn't exist in it"
      : `the image's user is ${JSON.stringify(user)}, which may or may not be root`
  }
  if (code === "SecretMissing") return `a Secret that the instance needs is missing: ${message}`
  if (code === "RuntimeClassMissing") return `the node lacks the instance's runtime: ${message}`
  return message
}

/** The longest part of a message to examine. */
const longest = 4_096

/**
 * Why a container couldn't be created or its program couldn't start, from the runtime's message; undefined if the message isn't
 * known.
 */
export const startDiagnosis = (said: string): Diagnosis | undefined => {
  const message = said.slice(0, longest)
  const code = startCodeOf(message)
  return code === undefined ? undefined : diagnosisOf(code, sentence(code, message), [message.trim()])
}
