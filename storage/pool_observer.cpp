#include "storage/pool_observer.hpp"

namespace codasync::storage {

PoolObserver& no_observer() {
  static PoolObserver observer;
  return observer;
}

}  // namespace codasync::storage
