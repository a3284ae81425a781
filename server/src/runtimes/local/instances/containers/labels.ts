/** Names the data folder whose server runs a container or created a network. */
export const dataDirectoryLabel = "maxcloud.dev/data-directory"
/** The instance that a container runs. */
export const instanceLabel = "maxcloud.dev/instance"
