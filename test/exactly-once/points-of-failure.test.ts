// @module-tag redis-server
import { testPointsOfFailure } from './points/failure.cases';
import { shortSteps } from './points/steps';

testPointsOfFailure(shortSteps);
