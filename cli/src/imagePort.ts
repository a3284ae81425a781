/** Images of Docker Hub that listen on port 80 whatever `PORT` says. */
const onPort80 = new Set(["library/nginx", "library/httpd", "library/caddy", "library/traefik", "traefik/whoami"])

/** The port that an image is known to listen on; undefined where nothing is known, and `PORT` decides. */
export const knownPort = (image: string): number | undefined => {
  const name = image
    .replace(/@.*$/, "")
    .replace(/:[^/]*$/, "")
    .replace(/^(index\.)?docker\.io\//, "")
  return onPort80.has(name.includes("/") ? name : `library/${name}`) ? 80 : undefined
}
