export interface ClickHouseServerPlace {
  folder: string;
  port: number;
  user: string;
  passwordSha256: string;
  database: string;
}

/** The text of a ClickHouse server's config.xml: the HTTP interface on loopback, one user, everything in one folder. */
export function clickhouseServerConfiguration(place: ClickHouseServerPlace): string {
  const data = escapeXml(`${place.folder}/data`);
  return `<clickhouse>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${place.port}</http_port>
  <path>${data}/</path>
  <tmp_path>${data}/tmp/</tmp_path>
  <user_files_path>${data}/user_files/</user_files_path>
  <format_schema_path>${data}/format_schemas/</format_schema_path>
  <mark_cache_size>268435456</mark_cache_size>
  <default_profile>default</default_profile>
  <user_directories><users_xml><path>${escapeXml(`${place.folder}/config.xml`)}</path></users_xml></user_directories>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <${place.user}>
      <password_sha256_hex>${place.passwordSha256}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </${place.user}>
  </users>
</clickhouse>
`;
}

const escapeXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
