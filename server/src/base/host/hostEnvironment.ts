import { homedir, tmpdir } from "node:os"
import { delimiter, isAbsolute } from "node:path"
import { noProxyName, proxyName } from "./proxyNames.ts"

/**
 * The programs that the server starts on its own account. A tenant's source is none of them: it sees what its config
 * declares. `engine`: podman or docker. `installer`: the package manager that installs a source's dependencies.
 * `postgres`: the embedded database. `registry`: the embedded registry. `system`: a system tool, such as `ps`.
 */
export type HostProgram = "engine" | "installer" | "postgres" | "registry" | "system"

const authorities = /^ssl_cert_(file|dir)$/i
/** Variables that a program needs on Windows to find itself. */
const windows = /^(SystemRoot|windir|ComSpec|PATHEXT|USERPROFILE|APPDATA|LOCALAPPDATA|ProgramData|ProgramFiles)$/i

/**
 * The operator's variables that a program may see besides PATH, LANG, and for `engine` and `installer` HOME and TMPDIR.
 */
const allowed: Readonly<Record<HostProgram, ReadonlyArray<RegExp>>> = {
  engine: [
    /^XDG_(RUNTIME_DIR|CONFIG_HOME|DATA_HOME|CACHE_HOME)$/,
    /^DBUS_SESSION_BUS_ADDRESS$/,
    /^CONTAINERS_(CONF|CONF_OVERRIDE|STORAGE_CONF|REGISTRIES_CONF)$/,
    /^REGISTRY_AUTH_FILE$/,
    /^CONTAINER_(HOST|SSHKEY|CONNECTION)$/,
    /^DOCKER_(HOST|CONFIG|CONTEXT|CERT_PATH|TLS_VERIFY)$/,
    proxyName,
    noProxyName,
    authorities
  ],
  // Where packages come from, without the settings of a surrounding `npm run`. `openBuildNetwork` handles proxies, which
  // may contain a password.
  installer: [
    /^npm_config_(registry|@[^_]+:registry|\/\/.*|_auth.*|cafile|ca|cert|key|strict_ssl|cache|store_dir|userconfig|globalconfig|fetch_.*|offline|prefer_offline|maxsockets|replace_registry_host)$/i,
    /^node_extra_ca_certs$/i,
    /^pip_(index_url|extra_index_url|trusted_host|cert|find_links|no_index|timeout|default_timeout|retries)$/i,
    // pip and Poetry also read these, because they have their own bundle of authorities.
    /^(requests|curl)_ca_bundle$/i,
    /^poetry_(http_basic|repositories|certificates|pypi_token)_\w+$/i,
    /^uv_(index_url|extra_index_url|default_index|index|find_links|native_tls|http_timeout)$/i,
    /^go(proxy|sumdb|private|noproxy|nosumdb|insecure)$/i,
    /^yarn_(npm_.*|https_ca_file_path|enable_strict_ssl|cache_folder)$/i,
    authorities
  ],
  postgres: [],
  // CNCF Distribution takes every setting from `REGISTRY_…` too, and those name our own settings.
  registry: [],
  system: []
}

/** A relative folder on the PATH would depend on the working directory. */
const absoluteOnly = (path: string): string =>
  path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .join(delimiter)

/**
 * The whole environment of a host program: an allow-list of names, with the values that the operator gave the server. We
 * never add anything from a tenant, a request or a config. Programs read variables that nobody thought of (iptables,
 * started by a container engine, loads libraries from `XTABLES_LIBDIR`), so a deny-list can't be complete.
 */
export const hostEnvironment = (
  program: HostProgram,
  server: NodeJS.ProcessEnv = process.env
): Record<string, string> => {
  const ofSystem = program === "postgres" || program === "registry" || program === "system"
  const names = process.platform === "win32" ? [...allowed[program], windows] : allowed[program]
  return {
    ...Object.fromEntries(
      Object.entries(server).flatMap(([name, value]) =>
        value !== undefined && names.some((pattern) => pattern.test(name)) ? [[name, value]] : []
      )
    ),
    PATH: absoluteOnly(server["PATH"] ?? "") || ["/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    ...(ofSystem ? {} : { HOME: server["HOME"] ?? homedir(), TMPDIR: server["TMPDIR"] ?? tmpdir() }),
    LANG: "C.UTF-8",
    ...(ofSystem ? { LC_ALL: "C" } : {})
  }
}
