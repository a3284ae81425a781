import { type Environment, sourceOfEnvironment } from "@maxcloud/sdk/credentials"

/** The fix if the server doesn't know the credential. */
export const signInFix = (env: Environment): string => {
  const source = sourceOfEnvironment(env)
  if (source === "GitHub Actions") {
    return "an owner must trust this repository for the organization of MAXCLOUD_ORGANIZATION: maxcloud auth oidc add --github OWNER/REPO"
  }
  if (source !== undefined)
    return `${source} is sent before all else: put it right, or unset it and \`maxcloud auth login\``
  if (env["GITHUB_ACTIONS"] === "true") {
    return "set MAXCLOUD_API_KEY, or MAXCLOUD_ORGANIZATION with `permissions: id-token: write`"
  }
  return "`maxcloud auth login` (`maxcloud auth logout` forgets what is kept of this server)"
}

/** The fix if the server only accepts the user who started it: there is no account to sign in to. */
export const localModeFix =
  "run this as the user who started the server, or set MAXCLOUD_API_KEY to the server's token, the content of `local-token` in its data folder"
