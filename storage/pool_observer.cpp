#include "storage/pool_observer.hpp"

namespace codasync::storage {

PoolObserver& nobody() {
  static PoolObserver observer;
  return observer;
}

}  // namespace codasync::storage
