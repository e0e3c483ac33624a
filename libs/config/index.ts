export { ConfigModule } from './config.module';
export { postgresServers } from './postgres.url';
export { parseRedisUrl } from './redis.url';
export { Settings } from './settings';
export { readSettings, SettingsError } from './settings.reader';
export { type SettingVariable, settingVariables } from './variable.decorator';
